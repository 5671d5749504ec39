// TemporaryFolder: an empty folder until the end of the scope.
//
//   const TemporaryFolder folder(std::filesystem::temp_directory_path() / "demo");
//   Server server(folder.path());                       // declared later, so it ends first
#pragma once

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <system_error>

namespace worker_pool {

class TemporaryFolder {
 public:
  // Creates a folder whose path begins with `prefix`. Throws std::system_error, which names it.
  explicit TemporaryFolder(const std::filesystem::path& prefix)
      : path_(prefix.string() + ".XXXXXX") {
    if (mkdtemp(path_.data()) != nullptr) return;
    throw std::system_error(errno, std::generic_category(), "cannot create " + path_);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace worker_pool
