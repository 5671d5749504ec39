// PosixCksum: the checksum of the POSIX `cksum` command.
//
//   PosixCksum cksum;
//   while (const auto piece = read()) cksum.update(*piece);
//   std::cout << cksum.value() << " " << cksum.size() << "\n";
//
// It is a CRC-32, most significant bit first, of the bytes and then of their number (POSIX.1-2017,
// Shell and Utilities, cksum). The CRC of zip files is a different one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace worker_pool {

// Takes the bytes in pieces, so a file need not fit into memory. Not thread-safe.
class PosixCksum {
 public:
  void update(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) crc_ = next(crc_, std::to_integer<std::uint8_t>(byte));
    size_ += bytes.size();
  }

  // Returns the checksum of all bytes so far. More may follow.
  std::uint32_t value() const {
    std::uint32_t crc = crc_;
    for (std::uint64_t rest = size_; rest != 0; rest >>= 8) {
      crc = next(crc, static_cast<std::uint8_t>(rest & 0xff));
    }
    return ~crc;
  }

  std::uint64_t size() const { return size_; }  // in bytes

 private:
  using Table = std::array<std::uint32_t, 256>;

  static constexpr Table make_table() {
    constexpr std::uint32_t kPolynomial = 0x04C11DB7;
    Table table{};
    for (std::uint32_t i = 0; i < table.size(); ++i) {
      std::uint32_t crc = i << 24;
      for (int bit = 0; bit < 8; ++bit) {
        const bool carry = (crc & 0x80000000) != 0;
        crc = (crc << 1) ^ (carry ? kPolynomial : 0);
      }
      table[i] = crc;
    }
    return table;
  }

  static std::uint32_t next(std::uint32_t crc, std::uint8_t byte) {
    static constexpr Table kTable = make_table();
    return (crc << 8) ^ kTable[(crc >> 24) ^ byte];
  }

  std::uint32_t crc_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace worker_pool
