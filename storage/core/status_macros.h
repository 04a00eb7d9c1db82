#ifndef NIGHTLOG_STORAGE_CORE_STATUS_MACROS_H_
#define NIGHTLOG_STORAGE_CORE_STATUS_MACROS_H_

#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

// Returns from the enclosing function if `expr`, an absl::Status, is an error.
#define RETURN_IF_ERROR(expr)                          \
  do {                                                 \
    absl::Status nightlog_status = (expr);             \
    if (!nightlog_status.ok()) return nightlog_status; \
  } while (false)

// Assigns the value of `expr`, an absl::StatusOr, to `lhs`, or returns its error.
#define ASSIGN_OR_RETURN(lhs, expr) \
  NIGHTLOG_ASSIGN_OR_RETURN_(NIGHTLOG_CONCAT_(nightlog_status_or_, __LINE__), lhs, expr)

#define NIGHTLOG_ASSIGN_OR_RETURN_(temporary, lhs, expr) \
  auto temporary = (expr);                               \
  if (!temporary.ok()) return temporary.status();        \
  lhs = *std::move(temporary)
#define NIGHTLOG_CONCAT_(a, b) NIGHTLOG_CONCAT_INNER_(a, b)
#define NIGHTLOG_CONCAT_INNER_(a, b) a##b

#endif  // NIGHTLOG_STORAGE_CORE_STATUS_MACROS_H_
