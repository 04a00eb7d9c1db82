#include "storage/feed.h"

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {
namespace {

const FamilyId kOwls = TestId<FamilyId>(1);
const FamilyId kFoxes = TestId<FamilyId>(2);

TEST(FeedTest, EveryPublishWakesEverySubscriberOfTheFamilyAndNoOther) {
  Feed feed;
  int first = 0;
  int second = 0;
  int other = 0;
  const auto a = feed.Subscribe(kOwls, [&first] { ++first; });
  const auto b = feed.Subscribe(kOwls, [&second] { ++second; });
  const auto c = feed.Subscribe(kFoxes, [&other] { ++other; });
  feed.Publish(kOwls);
  feed.Publish(kOwls);
  EXPECT_EQ(first, 2);
  EXPECT_EQ(second, 2);
  EXPECT_EQ(other, 0);
}

TEST(FeedTest, NoWakeComesAfterTheSubscriptionEnded) {
  Feed feed;
  int wakes = 0;
  auto ending = feed.Subscribe(kOwls, [&wakes] { wakes += 100; });
  const auto staying = feed.Subscribe(kOwls, [&wakes] { ++wakes; });
  ending.reset();
  feed.Publish(kOwls);
  EXPECT_EQ(wakes, 1);
}

TEST(FeedTest, PublishingToNobodyIsFine) {
  Feed feed;
  feed.Publish(kOwls);
  feed.Subscribe(kOwls, [] {}).reset();
  feed.Publish(kOwls);
}

TEST(FeedTest, EndingASubscriptionWaitsForItsRunningWake) {
  Feed feed;
  absl::Notification in_wake;
  absl::Notification leave_wake;
  std::atomic<bool> wake_ended{false};
  std::atomic<bool> subscription_ended{false};
  auto subscription = feed.Subscribe(kOwls, [&] {
    in_wake.Notify();
    leave_wake.WaitForNotification();
    EXPECT_FALSE(subscription_ended);
    wake_ended = true;
  });
  std::thread publisher([&] { feed.Publish(kOwls); });
  in_wake.WaitForNotification();
  absl::Notification ending;
  std::thread ender([&] {
    ending.Notify();
    subscription.reset();
    EXPECT_TRUE(wake_ended);
    subscription_ended = true;
  });
  ending.WaitForNotification();
  leave_wake.Notify();
  publisher.join();
  ender.join();
}

// A reader that subscribes, reads, and then reads again whenever it is woken has seen the newest
// value once all is quiet, however the threads interleave.
TEST(FeedTest, WhoSubscribesFirstAndReadsAfterwardsMissesNothing) {
  constexpr int kCommits = 2000;
  constexpr int kReaders = 4;
  Feed feed;
  std::atomic<int> committed{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kReaders; ++i) {
    threads.emplace_back([&] {
      absl::Mutex mu;
      bool woken = true;
      const auto subscription = feed.Subscribe(kOwls, [&] {
        absl::MutexLock lock(&mu);
        woken = true;
      });
      for (int seen = -1; seen < kCommits;) {
        {
          absl::MutexLock lock(&mu);
          mu.Await(absl::Condition(&woken));  // never comes back if a wake is lost
          woken = false;
        }
        seen = committed;
      }
    });
  }
  threads.emplace_back([&] {
    for (int i = 1; i <= kCommits; ++i) {
      committed = i;
      feed.Publish(kOwls);
    }
  });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace nightlog
