#ifndef NIGHTLOG_SERVICES_EXECUTOR_H_
#define NIGHTLOG_SERVICES_EXECUTOR_H_

#include <cstddef>
#include <deque>
#include <functional>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"

namespace nightlog {

// A pool of threads for work that may wait for the disk, which gRPC's own threads must not.
// Thread-safe. The destructor runs what was posted.
class Executor {
 public:
  // At most `queue_max` tasks wait.
  Executor(int threads, size_t queue_max);
  ~Executor();

  // Runs `task` on one of the threads. False if too many wait: the caller answers BUSY.
  [[nodiscard]] bool TryPost(std::function<void()> task);

  // Runs `task`, however many wait: for work that is bounded otherwise, such as one task a stream.
  void Post(std::function<void()> task);

  // While one lives, the first `tasks_max` tasks that its thread gives to Post are kept, and its
  // destructor runs them there. Waking another thread takes longer than a short task does. One of a
  // thread at a time; it lives and dies on that thread.
  class RunHere {
   public:
    explicit RunHere(size_t tasks_max);
    ~RunHere();
    RunHere(const RunHere&) = delete;
    RunHere& operator=(const RunHere&) = delete;

   private:
    friend class Executor;
    const size_t tasks_max_;
    std::vector<std::function<void()>> tasks_;
  };

 private:
  void Run();

  const size_t queue_max_;
  absl::Mutex mu_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mu_);
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::thread> threads_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_EXECUTOR_H_
