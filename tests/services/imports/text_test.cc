#include "services/imports/text.h"

#include <string>

#include "gtest/gtest.h"
#include "storage/core/utf8.h"
#include "tests/services/imports/reading.h"

namespace nightlog::imports {
namespace {

// All of a literal that has zeros in it.
template <size_t Size>
std::string Bytes(const char (&literal)[Size]) {
  return std::string(literal, Size - 1);
}

TEST(TextTest, Utf8StaysAsItIs) {
  EXPECT_EQ(TextOf(""), "");
  EXPECT_EQ(TextOf("\xEF\xBB\xBFm\u00fcde \U0001F319"), "\xEF\xBB\xBFm\u00fcde \U0001F319");
}

TEST(TextTest, Utf16IsReadByItsMark) {
  EXPECT_EQ(TextOf(Bytes("\xFF\xFEm\0\xFC\0\x3C\xD8\x19\xDF")), "\uFEFFm\u00fc\U0001F319");
  EXPECT_EQ(TextOf(Bytes("\xFE\xFF\0m\0\xFC\xD8\x3C\xDF\x19")), "\uFEFFm\u00fc\U0001F319");
}

TEST(TextTest, HalvesOfAPairThatStandAloneAreReplaced) {
  EXPECT_EQ(TextOf(Bytes("\xFF\xFE\x3C\xD8m\0")), "\uFEFF\uFFFDm");
  EXPECT_EQ(TextOf(Bytes("\xFF\xFE\x19\xDFm\0\x3C\xD8")), "\uFEFF\uFFFDm\uFFFD");
  EXPECT_EQ(TextOf(Bytes("\xFF\xFEm\0x")), "\uFEFFm");
}

TEST(TextTest, OtherBytesAreThoseOfWindows) {
  EXPECT_EQ(TextOf("m\374de \x80 \x96 \xFF"), "m\u00fcde \u20ac \u2013 \u00ff");
}

TEST(TextTest, WhateverTheBytesTheTextIsUtf8) {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes.push_back(static_cast<char>(i));
  for (const char* mark : {"", "\xFF\xFE", "\xFE\xFF"}) EXPECT_TRUE(IsUtf8(TextOf(mark + bytes)));
}

TEST(TextTest, AFileOfWindowsIsReadAndItsRemarksCanBeTold) {
  const ImportedLog log = ReadWell(
      "Type,Start,End,Start Condition,Notes\nSleep,2026-01-10 09:00,,,m\374de\nSleep,sp\344t,,,\n",
      OptionsIn("Europe/London"));
  ASSERT_EQ(log.entries.size(), 1);
  EXPECT_EQ(log.entries[0].entry.text(), "m\u00fcde");
  ASSERT_EQ(log.set_aside.size(), 1);
  EXPECT_EQ(log.set_aside[0].text(), "its time 'sp\u00e4t' in column 'Start' cannot be read");
}

}  // namespace
}  // namespace nightlog::imports
