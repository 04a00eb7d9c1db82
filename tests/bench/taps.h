#ifndef NIGHTLOG_TESTS_BENCH_TAPS_H_
#define NIGHTLOG_TESTS_BENCH_TAPS_H_

#include <cstdint>

#include "absl/time/time.h"
#include "nightlog/v1/sync.pb.h"
#include "storage/core/ids.h"
#include "storage/core/random.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {

// Taps in one night of Taps.
constexpr int kTapsPerNight = 12;

// The transactions of one phone that logs a child's nights: put down, asleep, a waking with crying
// and a response, a feed, up; twelve entries of three edits each, night after night. Not
// thread-safe.
class Taps {
 public:
  // The phone makes tap `first` of the child and every `stride`th after it, so that several phones
  // can share the nights of one child. `random` must outlive this.
  Taps(const ReplicaId& replica, const RecordId& child, Random& random, int first = 0,
       int stride = 1);

  // Makes the child. Must come before the first tap of any phone.
  v1::Transaction MakeChild();
  // A plan from the first night on.
  v1::Transaction MakePlan();
  v1::Transaction Next();
  // The next tap is the first of that night; 0 is the first night.
  void GoToNight(int night) { next_ = night * kTapsPerNight; }

 private:
  template <typename Body>
  v1::Transaction Make(const Body& body, const RecordId& record);

  TransactionBuilder builder_;
  const RecordId child_;
  Random& random_;
  int next_;
  const int stride_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_BENCH_TAPS_H_
