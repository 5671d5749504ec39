#include "full_pattern/programs/posix_cksum.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace worker_pool {
namespace {

std::uint32_t cksum_of(std::string_view text) {
  PosixCksum cksum;
  cksum.update(std::as_bytes(std::span(text)));
  return cksum.value();
}

// The expected values were printed by GNU coreutils' cksum.
TEST(PosixCksum, AgreesWithTheCommand) {
  EXPECT_EQ(cksum_of(""), 4294967295u);
  EXPECT_EQ(cksum_of("a"), 1220704766u);
  EXPECT_EQ(cksum_of("123456789"), 930766865u);
  EXPECT_EQ(cksum_of(std::string(1000, '\xff')), 2124716915u);
}

TEST(PosixCksum, CountsEveryByteOfTheLength) {  // 70,000 needs three of them
  EXPECT_EQ(cksum_of(std::string(70'000, '\0')), 1774371287u);
}

TEST(PosixCksum, PiecesGiveTheSameAsTheWhole) {
  const std::string_view text = "one piece after the other";
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    PosixCksum cksum;
    cksum.update(std::as_bytes(std::span(text.substr(0, cut))));
    cksum.update(std::as_bytes(std::span(text.substr(cut))));
    EXPECT_EQ(cksum.value(), cksum_of(text)) << "cut at " << cut;
    EXPECT_EQ(cksum.size(), text.size()) << "cut at " << cut;
  }
}

TEST(PosixCksum, ReadingTheValueDoesNotChangeIt) {
  PosixCksum cksum;
  cksum.update(std::as_bytes(std::span(std::string_view("12345"))));
  EXPECT_EQ(cksum.value(), cksum_of("12345"));
  cksum.update(std::as_bytes(std::span(std::string_view("6789"))));
  EXPECT_EQ(cksum.value(), cksum_of("123456789"));
}

}  // namespace
}  // namespace worker_pool
