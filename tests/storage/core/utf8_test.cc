#include "storage/core/utf8.h"

#include <string>

#include "gtest/gtest.h"

namespace nightlog {
namespace {

TEST(Utf8Test, CharactersOfEachLengthAreUtf8) {
  for (const char* text : {"", "plain", "m\u00fcde", "\u20ac", "\U0001F319", "\uFFFF",
                           "\xF4\x8F\xBF\xBF", "\xED\x9F\xBF", "\xEE\x80\x80"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
  EXPECT_TRUE(IsUtf8(absl::string_view("\0", 1)));
}

TEST(Utf8Test, WhatIsCutOverlongOrNoCharacterIsNot) {
  for (const char* text :
       {"m\374de", "\x80", "\xC3", "\xC3(", "\xE2\x82", "\xF0\x9F\x8C", "\xC0\x80", "\xC1\xBF",
        "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF", "\xED\xA0\x80", "\xED\xBF\xBF", "\xF4\x90\x80\x80",
        "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_FALSE(IsUtf8(text)) << text;
  }
}

}  // namespace
}  // namespace nightlog
