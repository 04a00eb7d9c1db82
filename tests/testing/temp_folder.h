#ifndef NIGHTLOG_TESTS_TESTING_TEMP_FOLDER_H_
#define NIGHTLOG_TESTS_TESTING_TEMP_FOLDER_H_

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "gtest/gtest.h"

namespace nightlog {

// A directory of its own, removed at the end.
class TempFolder {
 public:
  TempFolder() {
    path_ = (std::filesystem::temp_directory_path() / "nightlog_XXXXXX").string();
    EXPECT_NE(::mkdtemp(path_.data()), nullptr);
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_TESTING_TEMP_FOLDER_H_
