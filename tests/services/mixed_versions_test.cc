// A phone of tomorrow, a server of today, and a phone of today. What tomorrow's schema adds is made
// from today's by adding to its descriptors, so the bytes are those that it would send.

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "clients/cpp/device_clock.h"
#include "clients/cpp/replica.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"
#include "google/protobuf/text_format.h"
#include "gtest/gtest.h"
#include "storage/core/record_state.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

using google::protobuf::DescriptorProto;
using google::protobuf::FieldDescriptorProto;
using google::protobuf::FileDescriptor;
using google::protobuf::FileDescriptorProto;
using google::protobuf::Message;
using google::protobuf::TextFormat;
using ::testing::HasSubstr;
using ::testing::SizeIs;

DescriptorProto& MessageIn(FileDescriptorProto& file, const std::string& name) {
  for (DescriptorProto& message : *file.mutable_message_type()) {
    if (message.name() == name) return message;
  }
  CHECK(false);
  return *file.add_message_type();
}

FieldDescriptorProto& AddField(DescriptorProto& message, const std::string& name, int number,
                               FieldDescriptorProto::Type type) {
  FieldDescriptorProto& field = *message.add_field();
  field.set_name(name);
  field.set_number(number);
  field.set_type(type);
  field.set_label(FieldDescriptorProto::LABEL_OPTIONAL);
  return field;
}

void AddMember(DescriptorProto& message, const std::string& name, int number,
               const std::string& type) {
  FieldDescriptorProto& field = AddField(message, name, number, FieldDescriptorProto::TYPE_MESSAGE);
  field.set_type_name(type);
  field.set_oneof_index(0);
  // The members of a oneof stand together.
  for (int i = message.field_size() - 1; i > 0 && !message.field(i - 1).has_oneof_index(); --i) {
    message.mutable_field()->SwapElements(i - 1, i);
  }
}

// Today's schema with a group, a field within a group, a kind of entry, an enum value and a kind of
// record that it does not have yet.
class Tomorrow {
 public:
  Tomorrow() { Build(*v1::Transaction::descriptor()->file()); }

  // A message of that schema, from text.
  std::string Bytes(const std::string& type, const std::string& text) {
    std::unique_ptr<Message> message(New(type));
    CHECK(TextFormat::ParseFromString(text, message.get()));
    return message->SerializeAsString();
  }

  // What it reads in bytes of today.
  std::string Text(const std::string& type, const std::string& bytes) {
    std::unique_ptr<Message> message(New(type));
    CHECK(message->ParseFromString(bytes));
    std::string text;
    CHECK(TextFormat::PrintToString(*message, &text));
    return text;
  }

 private:
  Message* New(const std::string& type) {
    return factory_.GetPrototype(pool_.FindMessageTypeByName("nightlog.v1." + type))->New();
  }

  void Build(const FileDescriptor& file) {
    if (!built_.insert(file.name()).second) return;
    for (int i = 0; i < file.dependency_count(); ++i) Build(*file.dependency(i));
    FileDescriptorProto proto;
    file.CopyTo(&proto);
    if (file.name() == "nightlog/v1/records.proto") {
      DescriptorProto& nappy = *proto.add_message_type();
      nappy.set_name("Nappy");
      AddField(nappy, "wet", 1, FieldDescriptorProto::TYPE_BOOL);
      AddMember(MessageIn(proto, "EntryDetail"), "nappy", 60, ".nightlog.v1.Nappy");
      for (auto& type : *proto.mutable_enum_type()) {
        if (type.name() != "SleepPlace") continue;
        type.add_value()->set_name("SLEEP_PLACE_TENT");
        type.mutable_value()->rbegin()->set_number(63);
      }
      AddField(MessageIn(proto, "Interval"), "seen_by_camera", 61,
               FieldDescriptorProto::TYPE_STRING);
      AddField(MessageIn(proto, "LogEntry"), "humidity", 62, FieldDescriptorProto::TYPE_STRING);
    } else if (file.name() == "nightlog/v1/sync.proto") {
      AddMember(MessageIn(proto, "Edit"), "nap_plan", 77, ".nightlog.v1.Existence");
    }
    CHECK(pool_.BuildFile(proto) != nullptr);
  }

  google::protobuf::DescriptorPool pool_;
  google::protobuf::DynamicMessageFactory factory_{&pool_};
  std::set<std::string> built_;
};

class MixedVersionsTest : public ServiceFixture {
 protected:
  // An edit of tomorrow, as today's parser takes it.
  v1::Edit Edit(const RecordId& record, const std::string& text) {
    v1::Edit edit;
    EXPECT_TRUE(edit.ParseFromString(tomorrow_.Bytes("Edit", text)));
    edit.set_record_id(record.str());
    return edit;
  }

  v1::PushResponse Push(const Phone& phone, v1::PushRequest request) {
    *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    const auto response = Await(sync_service_, &SyncService::Push, phone.token, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : v1::PushResponse();
  }
  v1::PushResponse Push(const Phone& phone, const std::vector<v1::Transaction>& transactions) {
    v1::PushRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_replica_id(phone.pairing.replica_id());
    for (const auto& transaction : transactions) *request.add_transactions() = transaction;
    return Push(phone, std::move(request));
  }

  // Everything up to the head, over the wire.
  std::vector<v1::FollowResponse> Follow(const Phone& phone, v1::FollowRequest request) {
    request.set_until_head(true);
    auto stream = sync_service_.Follow(phone.token, request, [] {});
    EXPECT_TRUE(stream.ok()) << stream.status();
    std::vector<v1::FollowResponse> messages;
    for (;;) {
      StreamStep<v1::FollowResponse> step = (*stream)->Next();
      if (step.message == nullptr) return messages;
      EXPECT_TRUE(messages.emplace_back().ParseFromString(step.message->SerializeAsString()));
    }
  }

  Tomorrow tomorrow_;
  const RecordId entry_ = TestId<RecordId>(100);
  const RecordId other_ = TestId<RecordId>(101);
};

TEST_F(MixedVersionsTest, WhatTomorrowAddsToAnEntryGoesThroughTodaysServerAndTodaysPhone) {
  const Phone newer = CreateFamily();
  const Phone older = Join(newer, v1::ROLE_CAREGIVER);
  TransactionBuilder made{ReplicaId(newer.pairing.replica_id())};
  const std::string child = "group: 1 log_entry { child_id: '" + std::string(16, 'c') + "' }";
  const v1::PushResponse taken =
      Push(newer,
           {made.Make(
               {Edit(other_, child),
                Edit(other_, "group: 2 log_entry { detail { sleep { place: SLEEP_PLACE_TENT } } }"),
                Edit(other_,
                     "group: 3 log_entry { interval { began_at { seconds: 1700000000 } zone: "
                     "'Europe/London' } }"),
                Edit(entry_, child),
                Edit(entry_, "group: 2 log_entry { detail { nappy { wet: true } } }"),
                Edit(entry_,
                     "group: 3 log_entry { interval { began_at { seconds: 1700000000 } "
                     "zone: 'Europe/London' seen_by_camera: 'the blue one' } }"),
                Edit(entry_, "group: 62 log_entry { humidity: 'fog' }")},
               clock_.Now())});
  ASSERT_THAT(taken.verdicts(), SizeIs(1));
  ASSERT_TRUE(taken.verdicts(0).has_committed()) << taken.ShortDebugString();

  // Today's phone moves the end, which it can, and writes a text.
  ManualDeviceClock device_clock(clock_.Now(), "boot");
  auto replica = Replica::Open(std::make_unique<MemoryEngine>(Replica::kColumns), device_clock);
  ASSERT_TRUE(replica.ok()) << replica.status();
  ASSERT_TRUE((*replica)->AddFamily(older.pairing).ok());
  ASSERT_TRUE(
      (*replica)
          ->ApplyBookmark(older.family(), Follow(older, *(*replica)->NextFollow(older.family())))
          .ok());
  const auto shown = (*replica)->Get(older.family(), entry_);
  ASSERT_TRUE(shown.ok() && shown->has_value());
  v1::LogEntry change;
  *change.mutable_interval() = (*shown)->record.log_entry().interval();
  change.mutable_interval()->mutable_ended_at()->set_seconds(1'700'003'600);
  change.set_text("long");
  ASSERT_TRUE((*replica)->Write(older.family(), Tap().Set(entry_, change)).ok());
  const v1::PushResponse merged = Push(older, **(*replica)->NextPush(older.family()));
  ASSERT_TRUE(merged.verdicts(0).has_committed()) << merged.ShortDebugString();
  ASSERT_TRUE(
      (*replica)
          ->ApplyBookmark(older.family(), Follow(older, *(*replica)->NextFollow(older.family())))
          .ok());
  EXPECT_EQ((*replica)->FamilyStateOf(older.family())->resyncs, 0u);

  // What the server has, and what the phone of today holds, both read by tomorrow's schema.
  std::string on_server;
  for (const v1::FollowResponse& message : Follow(newer, [&] {
         v1::FollowRequest request;
         request.set_family_id(newer.pairing.family_id());
         return request;
       }())) {
    for (const v1::Record& record : message.records()) {
      on_server += tomorrow_.Text("Record", record.SerializeAsString());
    }
  }
  std::string on_phone;
  for (const RecordId& record : {entry_, other_}) {
    on_phone += tomorrow_.Text(
        "Record", (*replica)->Get(older.family(), record)->value().record.SerializeAsString());
  }
  for (const std::string& text : {on_server, on_phone}) {
    EXPECT_THAT(text, HasSubstr("place: SLEEP_PLACE_TENT"));
    EXPECT_THAT(text, HasSubstr("wet: true"));
    EXPECT_THAT(text, HasSubstr("seen_by_camera: \"the blue one\""));
    EXPECT_THAT(text, HasSubstr("humidity: \"fog\""));
    EXPECT_THAT(text, HasSubstr("seconds: 1700003600"));
    EXPECT_THAT(text, HasSubstr("text: \"long\""));
  }
  EXPECT_TRUE(Verify(newer).ok());
}

TEST_F(MixedVersionsTest, AKindOfRecordThatTheServerDoesNotKnowWaitsForANewerOne) {
  const Phone newer = CreateFamily();
  TransactionBuilder made{ReplicaId(newer.pairing.replica_id())};
  const v1::Transaction unknown =
      made.Make({Edit(entry_, "group: 1 nap_plan { deleted: true }")}, clock_.Now());
  const v1::Transaction behind =
      made.Make({Edit(other_, "group: 1 child { name: 'Wren' }"),
                 Edit(other_, "group: 4 child { home_zone: 'Europe/London' }")},
                clock_.Now());
  for (int i = 0; i < 2; ++i) {
    const v1::PushResponse response = Push(newer, {unknown, behind});
    ASSERT_THAT(response.verdicts(), SizeIs(1)) << "what follows keeps its place";
    EXPECT_TRUE(response.verdicts(0).has_retry_later());
  }
}

}  // namespace
}  // namespace nightlog
