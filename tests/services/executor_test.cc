#include "services/executor.h"

#include <atomic>
#include <thread>
#include <vector>

#include "absl/synchronization/barrier.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"

namespace nightlog {
namespace {

TEST(ExecutorTest, RunsTasksOnItsOwnThreads) {
  Executor executor(2, 10);
  absl::Notification ran;
  std::thread::id id;
  ASSERT_TRUE(executor.TryPost([&] {
    id = std::this_thread::get_id();
    ran.Notify();
  }));
  ran.WaitForNotification();
  EXPECT_NE(id, std::this_thread::get_id());
}

TEST(ExecutorTest, AsManyTasksRunAtOnceAsThereAreThreads) {
  Executor executor(3, 10);
  // Each waits for the others: with fewer threads this would never end.
  absl::Barrier* const barrier = new absl::Barrier(4);
  const auto meet = [barrier] {
    if (barrier->Block()) delete barrier;
  };
  for (int i = 0; i < 3; ++i) executor.Post(meet);
  meet();
}

TEST(ExecutorTest, RefusesWhatIsBeyondItsQueueButNotWhatIsBoundedOtherwise) {
  absl::Notification started, go_on;
  std::atomic<int> ran{0};
  {
    Executor executor(1, 2);
    ASSERT_TRUE(executor.TryPost([&] {
      started.Notify();
      go_on.WaitForNotification();
    }));
    started.WaitForNotification();
    EXPECT_TRUE(executor.TryPost([&] { ++ran; }));
    EXPECT_TRUE(executor.TryPost([&] { ++ran; }));
    EXPECT_FALSE(executor.TryPost([&] { ran += 100; }));
    executor.Post([&] { ++ran; });
    go_on.Notify();
  }
  EXPECT_EQ(ran, 3);
}

TEST(ExecutorTest, OneThreadRunsTasksInTheirOrder) {
  std::vector<int> order;
  {
    Executor executor(1, 100);
    for (int i = 0; i < 50; ++i) executor.Post([&order, i] { order.push_back(i); });
  }
  ASSERT_EQ(order.size(), 50u);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(order[i], i);
}

TEST(ExecutorTest, ATaskMayPostAnother) {
  std::atomic<bool> ran{false};
  {
    Executor executor(1, 1);
    absl::Notification posted;
    executor.Post([&] {
      executor.Post([&] { ran = true; });
      posted.Notify();
    });
    posted.WaitForNotification();
  }
  EXPECT_TRUE(ran);
}

TEST(ExecutorTest, RunsTheFirstTasksHereOnceItIsOver) {
  const std::thread::id here = std::this_thread::get_id();
  std::vector<int> ran_here;
  absl::Notification third, of_a_task;
  bool on_the_pool[2] = {};
  Executor executor(1, 10);
  {
    const Executor::RunHere run_here(2);
    executor.Post([&] {
      ran_here.push_back(1);
      executor.Post([&] {
        on_the_pool[0] = std::this_thread::get_id() != here;
        of_a_task.Notify();
      });
    });
    executor.Post([&] { ran_here.push_back(std::this_thread::get_id() == here ? 2 : 0); });
    executor.Post([&] {
      on_the_pool[1] = std::this_thread::get_id() != here;
      third.Notify();
    });
    third.WaitForNotification();
    EXPECT_TRUE(ran_here.empty());
  }
  EXPECT_EQ(ran_here, (std::vector<int>{1, 2}));
  of_a_task.WaitForNotification();
  EXPECT_TRUE(on_the_pool[0]);
  EXPECT_TRUE(on_the_pool[1]);

  absl::Notification afterwards;
  executor.Post([&] { afterwards.Notify(); });
  afterwards.WaitForNotification();
}

}  // namespace
}  // namespace nightlog
