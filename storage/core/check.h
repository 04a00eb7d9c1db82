#ifndef NIGHTLOG_STORAGE_CORE_CHECK_H_
#define NIGHTLOG_STORAGE_CORE_CHECK_H_

#include <cstdio>
#include <cstdlib>

// Ends the process if `condition`, which only a bug of ours can make false, does not hold. On in
// release builds: a wrong answer about somebody's nights is worse than none.
#define CHECK(condition)                                                                 \
  do {                                                                                   \
    if (!(condition)) {                                                                  \
      std::fprintf(stderr, "%s:%d: check failed: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                      \
    }                                                                                    \
  } while (false)

#endif  // NIGHTLOG_STORAGE_CORE_CHECK_H_
