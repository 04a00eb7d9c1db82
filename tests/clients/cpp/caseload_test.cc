#include "clients/cpp/caseload.h"

#include <deque>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/clients/cpp/phone.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// A server whose Watch streams are written down beforehand, one an attempt.
class ScriptedServer final : public FakeServer {
 public:
  struct Script {
    std::vector<v1::WatchResponse> messages;
    absl::Status end;
  };

  void Add(Script script) { scripts_.push_back(std::move(script)); }
  std::vector<v1::WatchRequest> requests;

  std::unique_ptr<ServerStream<v1::WatchResponse>> Watch(const v1::WatchRequest& request,
                                                         absl::Time) override {
    requests.push_back(request);
    Script script{{}, absl::PermissionDeniedError("end of the script")};
    if (!scripts_.empty()) {
      script = std::move(scripts_.front());
      scripts_.pop_front();
    }
    return std::make_unique<Stream>(std::move(script));
  }

 private:
  class Stream final : public ServerStream<v1::WatchResponse> {
   public:
    explicit Stream(Script script) : script_(std::move(script)) {}
    bool Read(v1::WatchResponse& response) override {
      if (next_ == script_.messages.size()) return false;
      response = script_.messages[next_++];
      return true;
    }
    void Cancel() override {}
    absl::Status Finish() override { return script_.end; }

   private:
    const Script script_;
    size_t next_ = 0;
  };

  std::deque<Script> scripts_;
};

v1::WatchResponse Message(int family) {
  v1::WatchResponse message;
  message.set_family_id(TestId<FamilyId>(family).str());
  return message;
}

v1::WatchResponse Joined(int family, const std::string& name) {
  v1::WatchResponse message = Message(family);
  message.mutable_joined()->set_name(name);
  message.mutable_joined()->set_role(v1::ROLE_CONSULTANT);
  return message;
}

v1::WatchResponse Records(int family, std::initializer_list<int> records) {
  v1::WatchResponse message = Message(family);
  for (int record : records) message.add_records()->set_record_id(Rec(record).str());
  return message;
}

v1::WatchResponse Bookmark(int family, uint64_t revision) {
  v1::WatchResponse message = Message(family);
  message.mutable_bookmark()->mutable_cursor()->set_lineage(std::string(16, 'l'));
  message.mutable_bookmark()->mutable_cursor()->set_revision(revision);
  return message;
}

v1::WatchResponse Reset(int family) {
  v1::WatchResponse message = Message(family);
  message.mutable_reset();
  return message;
}

v1::WatchResponse Left(int family) {
  v1::WatchResponse message = Message(family);
  message.mutable_left()->set_message("consent ended");
  return message;
}

struct Notes final : Caseload::Observer {
  void OnFamily(const FamilyId& id, const WatchedFamily& family,
                const std::set<RecordId>& changed) override {
    std::string note = absl::StrCat(family.name, "@", family.cursor.revision(), ":");
    for (const auto& [record, wire] : family.records) {
      absl::StrAppend(&note, " ", changed.count(record) > 0 ? "*" : "", Number(record));
    }
    for (const RecordId& record : changed) {
      if (family.records.count(record) == 0) absl::StrAppend(&note, " -", Number(record));
    }
    notes.push_back(note);
  }
  void OnFamilyLeft(const FamilyId& id, const std::string& message) override {
    notes.push_back("left: " + message);
  }
  void OnConnection(const absl::Status& status) override {
    notes.push_back(status.ok() ? "connected" : "lost");
  }
  static int Number(const RecordId& record) {
    for (int number = 0; number < 100; ++number) {
      if (Rec(number) == record) return number;
    }
    return -1;
  }
  std::vector<std::string> notes;
};

class CaseloadTest : public testing::Test {
 protected:
  absl::Status Run() {
    Caseload caseload(server_, random_, {absl::Milliseconds(1), absl::Milliseconds(1)});
    return caseload.Run(notes_);
  }
  ScriptedServer server_;
  SystemRandom random_;
  Notes notes_;
};

TEST_F(CaseloadTest, ShowsEachFamilyAtItsBookmarksOnly) {
  server_.Add({{Joined(1, "Bergs"), Records(1, {1}), Joined(2, "Olss"), Records(2, {2}),
                Records(1, {3}), Bookmark(1, 5), Records(1, {4})},
               absl::PermissionDeniedError("gone")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(notes_.notes, ElementsAre("connected", "Bergs@5: *1 *3", "lost"));
}

TEST_F(CaseloadTest, ResumesFromTheVersionsItHas) {
  server_.Add({{Joined(1, "Bergs"), Records(1, {1}), Bookmark(1, 5), Joined(2, "Olss"),
                Records(2, {7}), Records(1, {2})},
               absl::UnavailableError("draining")});
  server_.Add({{Joined(1, "Bergs"), Records(1, {3}), Bookmark(1, 6)}, absl::OkStatus()});
  EXPECT_EQ(Run().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(notes_.notes, ElementsAre("connected", "Bergs@5: *1", "lost", "connected",
                                        "Bergs@6: 1 *3", "lost", "lost"));
  ASSERT_THAT(server_.requests, SizeIs(3));
  EXPECT_THAT(server_.requests[0].known(), SizeIs(0));
  ASSERT_THAT(server_.requests[1].known(), SizeIs(1));
  EXPECT_EQ(server_.requests[1].known(0).family_id(), TestId<FamilyId>(1).bytes());
  EXPECT_EQ(server_.requests[1].known(0).cursor().revision(), 5u);
  EXPECT_EQ(server_.requests[2].known(0).cursor().revision(), 6u);
}

TEST_F(CaseloadTest, ResetReplacesWhatWasKnownAtTheNextBookmark) {
  server_.Add({{Joined(1, "Bergs"), Records(1, {1, 2}), Bookmark(1, 5), Reset(1), Records(1, {2}),
                Bookmark(1, 3)},
               absl::PermissionDeniedError("gone")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(notes_.notes, ElementsAre("connected", "Bergs@5: *1 *2", "Bergs@3: *2 -1", "lost"));
}

TEST_F(CaseloadTest, FamilyThatLeavesIsForgotten) {
  server_.Add({{Joined(1, "Bergs"), Records(1, {1}), Bookmark(1, 5), Left(1)},
               absl::UnavailableError("draining")});
  EXPECT_EQ(Run().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(notes_.notes,
              ElementsAre("connected", "Bergs@5: *1", "left: consent ended", "lost", "lost"));
  EXPECT_THAT(server_.requests[1].known(), SizeIs(0));
}

TEST_F(CaseloadTest, StopEndsIt) {
  Caseload caseload(server_, random_);
  caseload.Stop();
  EXPECT_TRUE(caseload.Run(notes_).ok());
}

}  // namespace
}  // namespace nightlog
