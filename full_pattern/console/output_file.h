// OutputFile: a file that a program replaces in one step. A reader sees the old contents or the new
// ones, never an empty or a cut file, and a program that is killed leaves the old ones.
//
//   auto file = OutputFile::open("pool.prom");           // before anything is started
//   if (!file) return fail(file.error());                // "pool.prom: cannot be written: ..."
//   ...
//   if (const auto done = file->write(text); !done) return fail(done.error());   // can be repeated
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>

namespace worker_pool {

// An open file of the operating system, or none. Closes it.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~Descriptor();

  int number() const { return number_; }  // or -1

 private:
  int number_;
};

// Movable. Not thread-safe, but several threads or programs may write one file through objects of
// their own: the last one to finish wins.
//
// The name decides what write() does:
//   1. A regular file, or no file yet: replaces it. The text is written to a new file in the same
//      folder, flushed to the disk and renamed. The owner and the group stay if the system allows
//      that, and the permissions stay. But if the group does not stay, the new one gets none of
//      the old one's permissions. Not kept: set-user-ID and set-group-ID, extended attributes and
//      access control lists (ACLs): the mask of an ACL becomes the permissions of the group. Of a
//      symbolic link, the file behind it is replaced. Another hard link keeps the old contents.
//   2. `-`, or any name of what is open as standard output, such as /dev/stdout or FILE in `>FILE`:
//      prints the text on std::cout. Replacing FILE would lose what the program prints. The same
//      holds for standard error, which has no name like `-`.
//   3. A device or a named pipe: writes into it.
//
// The new file exists only during open(), which tries it, and write(). A program that ends in there
// leaves a file named `.output.*` in the folder. Ignore SIGPIPE and SIGXFSZ (write_signals.h):
// otherwise they end the program in place of an error. On Windows every name but `-` is a file,
// which is overwritten.
class OutputFile {
 public:
  // Refuses what cannot be written: a missing or read-only folder, a folder in the place of the
  // file, a file without write permission. Changes nothing. Waits for the reader of a named pipe.
  // write() can still fail, if the disk is full, or if the system does not let the file be
  // replaced: one that is mounted by itself, or another user's file in a folder such as /tmp. The
  // error is one line that names the file and the reason.
  static std::expected<OutputFile, std::string> open(const std::string& name);

  // Writes the whole text. If that fails, a regular file keeps its old contents. The error is one
  // line that names the file and the reason. An error on standard output is not returned: it shows
  // in the state of std::cout, as for everything else that the program prints.
  std::expected<void, std::string> write(std::string_view text);

  // Returns whether both are the same regular file or the same standard stream.
  bool same_as(const OutputFile& other) const;

 private:
  OutputFile() = default;

  std::string name_;
  std::filesystem::path path_;  // of the file to replace, or empty
  int stream_ = -1;             // the standard stream to write to, or -1
  Descriptor device_;           // the open device or pipe
};

}  // namespace worker_pool
