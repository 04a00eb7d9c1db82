#include "services/executor.h"

#include <utility>

#include "storage/core/check.h"

namespace nightlog {
namespace {

// The one that lives on this thread.
thread_local Executor::RunHere* run_here = nullptr;

}  // namespace

Executor::RunHere::RunHere(size_t tasks_max) : tasks_max_(tasks_max) {
  CHECK(run_here == nullptr);
  run_here = this;
}

Executor::RunHere::~RunHere() {
  // What they post is for the pool.
  run_here = nullptr;
  for (const std::function<void()>& task : tasks_) task();
}

Executor::Executor(int threads, size_t queue_max) : queue_max_(queue_max) {
  for (int i = 0; i < threads; ++i) threads_.emplace_back([this] { Run(); });
}

Executor::~Executor() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  for (std::thread& thread : threads_) thread.join();
}

bool Executor::TryPost(std::function<void()> task) {
  absl::MutexLock lock(&mu_);
  if (queue_.size() >= queue_max_) return false;
  queue_.push_back(std::move(task));
  return true;
}

void Executor::Post(std::function<void()> task) {
  if (run_here != nullptr && run_here->tasks_.size() < run_here->tasks_max_) {
    run_here->tasks_.push_back(std::move(task));
    return;
  }
  absl::MutexLock lock(&mu_);
  queue_.push_back(std::move(task));
}

void Executor::Run() {
  for (;;) {
    std::function<void()> task;
    {
      absl::MutexLock lock(&mu_);
      const auto has_work = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return !queue_.empty() || stopping_;
      };
      mu_.Await(absl::Condition(&has_work));
      if (queue_.empty()) return;
      task = std::move(queue_.front());
      queue_.pop_front();
    }
    task();
  }
}

}  // namespace nightlog
