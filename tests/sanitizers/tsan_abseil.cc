// Tells ThreadSanitizer what absl::Mutex, CondVar, Notification and BlockingCounter order. Debian's
// Abseil is not instrumented: without this, all that an absl::Mutex guards looks like a race.
//
// The functions below have the linker names of Abseil's own, so a program that links this file
// calls them instead, and so does every library in it. Each calls Abseil's own and says what that
// does: what it let others see is released before, what others let it see is acquired after. In
// between reads are not watched, because Abseil may evaluate another thread's condition there,
// under the lock.
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

extern "C" void AnnotateIgnoreReadsBegin(const char* file, int line);
extern "C" void AnnotateIgnoreReadsEnd(const char* file, int line);

namespace {

enum Effect { kAcquires = 1, kReleases = 2, kBoth = 3 };

// Stands around a call with `effect` on the order of threads at `object`.
class Around {
 public:
  Around(Effect effect, const void* object) : effect_(effect), object_(const_cast<void*>(object)) {
    if (effect_ & kReleases) __tsan_release(object_);
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  }
  ~Around() {
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    if (effect_ & kAcquires) __tsan_acquire(object_);
  }

 private:
  const Effect effect_;
  void* const object_;
};

using absl::BlockingCounter;
using absl::Condition;
using absl::CondVar;
using absl::Duration;
using absl::Mutex;
using absl::Notification;
using absl::Time;

}  // namespace

// Defines `symbol` as a call of Abseil's own function of that name.
#define ORDERED(result, symbol, effect, object, parameters, arguments)                           \
  extern "C" result symbol parameters {                                                          \
    static auto* const real = reinterpret_cast<result(*) parameters>(dlsym(RTLD_NEXT, #symbol)); \
    Around around(effect, object);                                                               \
    return real arguments;                                                                       \
  }

// clang-format off
#define MUTEX(result, name, effect) \
  ORDERED(result, _ZN4absl7debian35Mutex##name##Ev, effect, mu, (Mutex* mu), (mu))
MUTEX(void, 4Lock, kAcquires)
MUTEX(bool, 7TryLock, kAcquires)
MUTEX(void, 6Unlock, kReleases)
MUTEX(void, 10ReaderLock, kAcquires)
MUTEX(bool, 13ReaderTryLock, kAcquires)
MUTEX(void, 12ReaderUnlock, kReleases)

#define MUTEX_WHEN(name, effect) \
  ORDERED(void, _ZN4absl7debian35Mutex##name##ERKNS0_9ConditionE, effect, mu, \
          (Mutex* mu, const Condition* when), (mu, when))
MUTEX_WHEN(8LockWhen, kAcquires)
MUTEX_WHEN(14ReaderLockWhen, kAcquires)
MUTEX_WHEN(5Await, kBoth)

#define MUTEX_WHEN_TIMED(name, Timed, effect) \
  ORDERED(bool, _ZN4absl7debian35Mutex##name, effect, mu, \
          (Mutex* mu, const Condition* when, Timed limit), (mu, when, limit))
MUTEX_WHEN_TIMED(19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE, Duration, kAcquires)
MUTEX_WHEN_TIMED(20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE, Time, kAcquires)
MUTEX_WHEN_TIMED(25ReaderLockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE, Duration, kAcquires)
MUTEX_WHEN_TIMED(26ReaderLockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE, Time, kAcquires)
MUTEX_WHEN_TIMED(16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE, Duration, kBoth)
MUTEX_WHEN_TIMED(17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE, Time, kBoth)

// A wait gives the mutex up and takes it again.
ORDERED(void, _ZN4absl7debian37CondVar4WaitEPNS0_5MutexE, kBoth, mu,
        (CondVar* cv, Mutex* mu), (cv, mu))
ORDERED(bool, _ZN4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE, kBoth, mu,
        (CondVar* cv, Mutex* mu, Duration limit), (cv, mu, limit))
ORDERED(bool, _ZN4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE, kBoth, mu,
        (CondVar* cv, Mutex* mu, Time limit), (cv, mu, limit))

ORDERED(void, _ZN4absl7debian312Notification6NotifyEv, kReleases, n, (Notification* n), (n))
ORDERED(void, _ZNK4absl7debian312Notification19WaitForNotificationEv, kAcquires, n,
        (const Notification* n), (n))
ORDERED(bool, _ZNK4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE,
        kAcquires, n, (const Notification* n, Duration limit), (n, limit))
ORDERED(bool, _ZNK4absl7debian312Notification31WaitForNotificationWithDeadlineENS0_4TimeE,
        kAcquires, n, (const Notification* n, Time limit), (n, limit))

ORDERED(bool, _ZN4absl7debian315BlockingCounter14DecrementCountEv, kReleases, c,
        (BlockingCounter* c), (c))
ORDERED(void, _ZN4absl7debian315BlockingCounter4WaitEv, kAcquires, c, (BlockingCounter* c), (c))
// clang-format on
