#ifndef NIGHTLOG_STORAGE_CORE_PLANTED_DEFECT_H_
#define NIGHTLOG_STORAGE_CORE_PLANTED_DEFECT_H_

#include <cstdlib>

#include "absl/strings/string_view.h"

namespace nightlog {

// Who checks the checkers: each name given to Planted() is a defect that could be in this code, and
// tests/simulation/planted_defects.py shows that the simulation finds it. At most one is planted at
// a time, by the environment variable NIGHTLOG_PLANTED_DEFECT, and only in a build with the option
// NIGHTLOG_PLANTED_DEFECTS; in all others nothing of it remains. Thread-safe.
#ifdef NIGHTLOG_PLANTED_DEFECTS
inline bool Planted(absl::string_view defect) {
  static const char* const planted = std::getenv("NIGHTLOG_PLANTED_DEFECT");
  return planted != nullptr && defect == planted;
}
#else
constexpr bool Planted(absl::string_view) { return false; }
#endif

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_PLANTED_DEFECT_H_
