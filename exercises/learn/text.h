// Small functions on texts and files that several parts of ./learn use. Thread-safe.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace worker_pool {

// Returns the contents of the file, or nothing if it cannot be read.
std::string read_text(const std::filesystem::path& path);

std::vector<std::string> split_lines(std::string_view text);

// Breaks a text at its spaces into lines of at most `columns` bytes. A longer word is alone on its
// line.
std::vector<std::string> wrap(std::string_view text, std::size_t columns);

// Returns the text with spaces behind it, so that it has at least `columns` bytes.
std::string padded(std::string text, std::size_t columns);

}  // namespace worker_pool
