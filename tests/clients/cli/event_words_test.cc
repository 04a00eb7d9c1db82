#include "clients/cli/event_words.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "storage/core/proto_time.h"

namespace nightlog::cli {
namespace {

const NamesById kNames = {
    {"alex", "Alex"}, {"sam", "Sam"}, {"a", "Alex's phone"}, {"s", "Sam's phone"}};

v1::AccessEvent Event(v1::AccessEventKind kind) {
  v1::AccessEvent event;
  event.set_kind(kind);
  event.set_actor_member_id("alex");
  event.set_actor_device_id("a");
  event.set_subject_member_id("sam");
  event.set_subject_device_id("s");
  event.set_role(v1::ROLE_CAREGIVER);
  return event;
}

std::string Say(const v1::AccessEvent& event) {
  return EventInWords(event, kNames, absl::UTCTimeZone());
}

TEST(EventWordsTest, EachKindHasWordsOfItsOwn) {
  std::set<std::string> all;
  const auto* kinds = v1::AccessEventKind_descriptor();
  for (int i = 1; i < kinds->value_count(); ++i) {
    const std::string words =
        Say(Event(static_cast<v1::AccessEventKind>(kinds->value(i)->number())));
    EXPECT_TRUE(all.insert(words).second) << words;
    EXPECT_EQ(words.find(": "), std::string::npos) << words << " is no sentence";
  }
}

TEST(EventWordsTest, SaysWhoDidWhatToWhom) {
  EXPECT_EQ(Say(Event(v1::ACCESS_EVENT_KIND_DEVICE_PAIRED)),
            "Sam joined with Sam's phone as caregiver, by an invite of Alex");
  EXPECT_EQ(Say(Event(v1::ACCESS_EVENT_KIND_DEVICE_REVOKED)), "Alex shut out Sam's phone of Sam");
}

TEST(EventWordsTest, SaysWhatAConsultantMaySeeAndUntilWhen) {
  v1::AccessEvent event = Event(v1::ACCESS_EVENT_KIND_CONSENT_CHANGED);
  event.set_role(v1::ROLE_CONSULTANT);
  event.set_consent_scope(v1::CONSENT_SCOPE_NIGHTS);
  event.mutable_consent_until()->set_seconds(1'700'000'000);
  EXPECT_EQ(Say(event), "Alex made Sam a consultant who sees nights until 2023-11-14 22:13");
}

TEST(EventWordsTest, WhoIsNotKnownIsSomebody) {
  v1::AccessEvent event = Event(v1::ACCESS_EVENT_KIND_INVITE_REFUSED);
  event.clear_actor_member_id();
  event.set_count(3);
  EXPECT_EQ(Say(event), "somebody tried an invite of Sam that holds no longer, 3 times");
}

TEST(EventWordsTest, AKindOfANewerServerIsNamed) {
  EXPECT_EQ(Say(Event(static_cast<v1::AccessEventKind>(99))), "Alex: 99");
}

}  // namespace
}  // namespace nightlog::cli
