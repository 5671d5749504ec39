#include "full_pattern/console/output_file.h"

#include <cerrno>
#include <cstddef>
#include <expected>
#include <filesystem>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "full_pattern/console/quoted_name.h"

#if defined(_WIN32)
#include <fstream>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#endif

namespace worker_pool {
namespace {

using Path = std::filesystem::path;

constexpr int kStandardOutput = 1;

std::unexpected<std::string> failed(const std::string& name, int error_number,
                                    std::string_view because = ": ") {
  std::string error = quoted_name(name) + ": cannot be written";
  error.append(because).append(std::generic_category().message(error_number));
  return std::unexpected(std::move(error));
}

}  // namespace

#if defined(_WIN32)

namespace {

int write_all(int /*descriptor*/, std::string_view /*text*/) { return EBADF; }

int replace(const Path& path, std::string_view text) {
  return std::ofstream(path, std::ios::binary) << text << std::flush ? 0 : EIO;
}

}  // namespace

Descriptor::~Descriptor() = default;

std::expected<OutputFile, std::string> OutputFile::open(const std::string& name) {
  OutputFile output;
  output.name_ = name;
  if (name == "-") {
    output.stream_ = kStandardOutput;
  } else {
    if (!std::ofstream(name, std::ios::app)) return failed(name, EACCES);
    output.path_ = std::filesystem::weakly_canonical(name);
  }
  return output;
}

#else

namespace {

using Status = struct stat;

// The functions below return 0 or an errno.
int error_if(bool failed) { return failed ? errno : 0; }

int write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = write(descriptor, text.data(), text.size());
    if (count < 0 && errno != EINTR) return errno;
    if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
  }
  return 0;
}

// Creates a file in the folder of `path`, and stores its name, which begins with a dot, so that
// `*.prom` does not match it. If that fails, returns no descriptor and sets errno.
Descriptor create_beside(const Path& path, mode_t mode, Path& name) {
  static std::atomic<unsigned> count = 0;
  while (true) {
    name = path.parent_path() /
           (".output." + std::to_string(getpid()) + "." + std::to_string(++count));
    const int file = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (file != -1 || errno != EEXIST) return Descriptor(file);  // EEXIST: left by a killed program
  }
}

// Creates a file and removes it. Only this shows reliably whether a folder is writable.
int try_to_create_beside(const Path& path) {
  Path name;
  const Descriptor file = create_beside(path, 0600, name);
  return error_if(file.number() == -1 || unlink(name.c_str()) != 0);
}

int keep_owner_and_mode(int file, const Status& old) {
  // Only root may give a file to another user. Others may still give it to a group of theirs.
  if (fchown(file, old.st_uid, old.st_gid) != 0) {
    constexpr auto kSameOwner = static_cast<uid_t>(-1);
    [[maybe_unused]] const int ignored = fchown(file, kSameOwner, old.st_gid);
  }
  Status now{};
  if (fstat(file, &now) != 0) return errno;
  // Another group must not get the rights of the old one.
  const mode_t kept = now.st_gid == old.st_gid ? 0777 : 0707;
  return error_if(fchmod(file, old.st_mode & kept) != 0);
}

int replace(const Path& path, std::string_view text) {
  Status old{};
  const bool exists = stat(path.c_str(), &old) == 0;
  Path name;
  // Until it has the mode of the old file, only this user can open the new one.
  const Descriptor file = create_beside(path, exists ? 0600 : 0666, name);
  if (file.number() == -1) return errno;
  int error = exists ? keep_owner_and_mode(file.number(), old) : 0;
  if (error == 0) error = write_all(file.number(), text);
  if (error == 0) error = error_if(fsync(file.number()) != 0);
  if (error == 0) error = error_if(rename(name.c_str(), path.c_str()) != 0);
  if (error != 0) unlink(name.c_str());
  return error;
}

// Returns the descriptor of the standard stream that is open on this file, or -1. A device such as
// /dev/null may be open twice; a terminal counts as a stream.
int stream_on(const Status& file) {
  for (const int stream : {STDOUT_FILENO, STDERR_FILENO}) {
    Status open_file{};
    if (fstat(stream, &open_file) != 0) continue;
    if (open_file.st_dev != file.st_dev || open_file.st_ino != file.st_ino) continue;
    if (!S_ISCHR(file.st_mode) || isatty(stream) != 0) return stream;
  }
  return -1;
}

// Follows symbolic links, also one to a file that does not exist yet. The path is absolute, so it
// means the same file from every folder.
Path behind_links(Path name, std::error_code& error) {
  while (is_symlink(symlink_status(name, error))) {
    name = name.parent_path() / read_symlink(name, error);
  }
  return canonical(name.has_parent_path() ? name.parent_path() : ".", error) / name.filename();
}

}  // namespace

Descriptor::~Descriptor() {
  if (number_ != -1) close(number_);
}

std::expected<OutputFile, std::string> OutputFile::open(const std::string& name) {
  OutputFile output;
  output.name_ = name;
  if (name == "-") {
    output.stream_ = kStandardOutput;
    return output;
  }
  Status file{};
  const bool exists = stat(name.c_str(), &file) == 0;
  if (!exists && errno != ENOENT) return failed(name, errno);
  if (exists) output.stream_ = stream_on(file);
  if (output.stream_ != -1) return output;

  if (exists && !S_ISREG(file.st_mode)) {
    output.device_ = Descriptor(::open(name.c_str(), O_WRONLY | O_NOCTTY | O_CLOEXEC));
    if (output.device_.number() == -1) return failed(name, errno);
    return output;
  }
  if (name.empty()) return failed(name, ENOENT);
  if (exists && access(name.c_str(), W_OK) != 0) return failed(name, errno);
  std::error_code error;
  output.path_ = behind_links(name, error);
  if (error) return failed(name, error.value());
  if (const int number = try_to_create_beside(output.path_)) {
    return failed(name, number, ", because its folder takes no new file: ");
  }
  return output;
}

#endif

std::expected<void, std::string> OutputFile::write(std::string_view text) {
  if (stream_ == kStandardOutput) {
    std::cout << text << std::flush;
    return {};
  }
  const int error = !path_.empty() ? replace(path_, text)
                                   : write_all(stream_ != -1 ? stream_ : device_.number(), text);
  if (error != 0) return failed(name_, error);
  return {};
}

bool OutputFile::same_as(const OutputFile& other) const {
  return stream_ != -1 ? stream_ == other.stream_ : !path_.empty() && path_ == other.path_;
}

}  // namespace worker_pool
