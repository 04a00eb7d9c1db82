#include "services/import_service.h"

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/imports/format.h"
#include "storage/core/local_reading.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// A night in which London's clocks go back; the sleep ends in the hour that comes twice.
constexpr char kHuckleberry[] =
    "Type,Start,End,Duration,Start Condition,Start Location,End Condition,Notes\n"
    "Sleep,2026-10-24 19:30,2026-10-25 01:30,6:00,Calm,On own in bed,,\n"
    "Feed,2026-10-25 01:40,,,Formula,Bottle,120ml,\n"
    "Sleep,2026-10-25 08:00,2026-10-25 07:00,,,,,\n";

class ImportServiceTest : public ServiceFixture {
 protected:
  v1::ReadLogRequest RequestFor(std::string text) const {
    v1::ReadLogRequest request;
    request.set_family_id(phone_.pairing.family_id());
    request.set_child_id(child_.str());
    request.set_file(std::move(text));
    request.set_zone("Europe/London");
    return request;
  }

  v1::ReadLogResponse Read(const v1::ReadLogRequest& request) {
    const auto response = import_service_.ReadLog(phone_.token, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *response : v1::ReadLogResponse();
  }

  v1::ImportReason ProblemOf(const v1::ReadLogRequest& request) {
    const v1::ReadLogResponse response = Read(request);
    EXPECT_THAT(response.entries(), IsEmpty());
    return response.problem().reason();
  }

  // Larger than one message, and what is read of it than one page.
  static std::string LargeLog() {
    std::string text = "start,end,text\n";
    for (int i = 0; text.size() < (5 << 20); ++i) {
      absl::StrAppend(&text, 1767225600 + 60 * i, ",,", std::string(1000, 'z'), "\n");
    }
    return text;
  }

  // Sends it in parts; `before` each.
  void Upload(const ImportService& service, const std::string& id, const std::string& text,
              absl::FunctionRef<void()> before) {
    v1::UploadLogRequest part;
    part.set_family_id(phone_.pairing.family_id());
    part.set_upload_id(id);
    part.set_file_bytes(static_cast<uint32_t>(text.size()));
    while (part.offset() < text.size()) {
      before();
      part.set_part(text.substr(part.offset(), 2 << 20));
      const auto response = service.UploadLog(phone_.token, part);
      ASSERT_TRUE(response.ok()) << response.status();
      part.set_offset(response->bytes_here());
    }
  }

  const Phone phone_ = CreateFamily();
};

TEST_F(ImportServiceTest, AFileBecomesEntriesAndAReportAndNothingIsWritten) {
  const auto head = FamilyReader(*engine_.Snapshot(), phone_.family()).Head();
  const v1::ReadLogResponse response = Read(RequestFor(kHuckleberry));
  EXPECT_FALSE(response.has_problem());
  EXPECT_EQ(response.format(), "huckleberry");
  EXPECT_THAT(response.heading(), SizeIs(8));
  EXPECT_EQ(response.rows(), 3);
  EXPECT_EQ(response.rows_set_aside(), 1);
  ASSERT_THAT(response.set_aside(), SizeIs(1));
  EXPECT_EQ(response.set_aside(0).line(), 4);
  EXPECT_EQ(response.set_aside(0).reason(), v1::IMPORT_REASON_ENDS_BEFORE_IT_BEGINS);
  EXPECT_EQ(response.entry_count(), 2);
  EXPECT_THAT(response.next_page_token(), IsEmpty());
  EXPECT_EQ(FamilyReader(*engine_.Snapshot(), phone_.family()).Head()->value().revision(),
            head->value().revision());

  // The ids are those of every client.
  imports::ImportOptions options;
  options.zone = *FindZone("Europe/London");
  options.child = child_;
  const auto log = imports::ReadLog(absl::string_view(kHuckleberry), "", options);
  ASSERT_THAT(response.entries(), SizeIs(log->entries.size()));
  for (int i = 0; i < response.entries_size(); ++i) {
    EXPECT_EQ(response.entries(i).record_id(), log->entries[static_cast<size_t>(i)].id.str());
  }
  std::set<v1::ImportReason> adjusted;
  for (const v1::ImportRemark& remark : response.adjusted()) adjusted.insert(remark.reason());
  EXPECT_THAT(adjusted, testing::Contains(v1::IMPORT_REASON_REPEATED_TIME_FIRST));
}

TEST_F(ImportServiceTest, WhatTheFileDoesNotSayIsTakenFromTheRequest) {
  v1::ReadLogRequest request = RequestFor("Wann,Bis,Menge,Wer\n3/4/26 19:00,3/4/26 20:00,4,Wren\n");
  EXPECT_EQ(ProblemOf(request), v1::IMPORT_REASON_UNKNOWN_HEADING);
  EXPECT_THAT(Read(request).heading(), ElementsAre("Wann", "Bis", "Menge", "Wer"));
  request.set_format("csv");
  EXPECT_EQ(ProblemOf(request), v1::IMPORT_REASON_NO_BEGIN);
  (*request.mutable_columns())["began"] = "Wann";
  (*request.mutable_columns())["ended"] = "Bis";
  EXPECT_EQ(Read(request).adjusted(0).reason(), v1::IMPORT_REASON_DATE_ORDER_OPEN);
  request.set_date_order(v1::DATE_ORDER_MONTH_FIRST);
  EXPECT_EQ(Read(request).adjustments(), 0);
  request.set_date_order(v1::DATE_ORDER_DAY_FIRST);
  const v1::ReadLogResponse response = Read(request);
  EXPECT_THAT(response.columns(),
              UnorderedElementsAre(Pair("began", "Wann"), Pair("ended", "Bis")));
  ASSERT_THAT(response.entries(), SizeIs(1));
  EXPECT_EQ(FromProto(response.entries(0).entry().interval().began_at()),
            absl::FromCivil(absl::CivilSecond(2026, 4, 3, 19), *FindZone("Europe/London")));
}

TEST_F(ImportServiceTest, TheFilesOwnWordsForKindsMeanWhatTheRequestSays) {
  v1::ReadLogRequest request =
      RequestFor("start,end,type\n1767225600,1767229200,Zzz\n1767232800,1767233100,Wah\n");
  request.set_format("csv");
  const v1::ReadLogResponse before = Read(request);
  ASSERT_THAT(before.entries(), SizeIs(2));
  EXPECT_TRUE(before.entries(0).entry().detail().has_note());
  (*request.mutable_kinds())["Zzz"] = "sleep";
  (*request.mutable_kinds())["Wah"] = "cry";
  const v1::ReadLogResponse response = Read(request);
  ASSERT_THAT(response.entries(), SizeIs(2));
  EXPECT_TRUE(response.entries(0).entry().detail().has_sleep());
  EXPECT_TRUE(response.entries(1).entry().detail().has_crying());
  // The same rows all the same.
  EXPECT_EQ(response.entries(0).record_id(), before.entries(0).record_id());
}

TEST_F(ImportServiceTest, AFileOfSeveralChildrenIsAskedAbout) {
  v1::ReadLogRequest request = RequestFor(
      "Baby,Time,Duration(minutes),Note\nRobin,1/13/26 19:54,30,\nWren,1/13/26 20:00,9,\n");
  EXPECT_EQ(ProblemOf(request), v1::IMPORT_REASON_CHILDREN);
  EXPECT_THAT(Read(request).problem().values(), ElementsAre("Robin", "Wren"));
  request.set_file_child("Wren");
  EXPECT_EQ(Read(request).entry_count(), 1);
  EXPECT_EQ(Read(request).rows_of_other_children(), 1);
}

TEST_F(ImportServiceTest, ManyEntriesComeInPagesThatAreSmall) {
  const int rows = 12'000;
  std::string text = "start,end,text\n";
  for (int i = 0; i < rows; ++i) {
    absl::StrAppend(&text, 1767225600 + 60 * i, ",,", std::string(120, 'z'), "\n");
  }
  v1::ReadLogRequest request = RequestFor(text);
  request.set_format("csv");
  std::set<std::string> ids;
  int pages = 0;
  do {
    const v1::ReadLogResponse response = Read(request);
    EXPECT_EQ(response.entry_count(), rows);
    EXPECT_LT(response.ByteSizeLong(), 3u << 20);
    for (const v1::ImportedEntry& entry : response.entries()) ids.insert(entry.record_id());
    request.set_page_token(response.next_page_token());
    ++pages;
  } while (!request.page_token().empty());
  EXPECT_THAT(ids, SizeIs(rows));
  EXPECT_GT(pages, 1);

  for (const char* token : {"the next", "1000"}) {
    request.set_page_token(token);
    EXPECT_EQ(ReasonOfResult(import_service_.ReadLog(phone_.token, request)),
              v1::ERROR_REASON_PAGE_TOKEN);
  }
}

TEST_F(ImportServiceTest, OfManyRemarksTheFirstAreListed) {
  std::string text = "start,end\n";
  for (int i = 0; i < 300; ++i) absl::StrAppend(&text, "soon,\n");
  v1::ReadLogRequest request = RequestFor(text);
  request.set_format("csv");
  const v1::ReadLogResponse response = Read(request);
  EXPECT_EQ(response.rows_set_aside(), 300);
  EXPECT_THAT(response.set_aside(), SizeIs(200));
}

TEST_F(ImportServiceTest, WhatIsLargerThanAnyLogIsNotRead) {
  std::string rows = "start,end\n";
  while (rows.size() < 400'000) rows += "1,\n";
  EXPECT_EQ(ProblemOf(RequestFor(rows)), v1::IMPORT_REASON_TOO_MANY_ROWS);
  EXPECT_EQ(ProblemOf(RequestFor("start\n" + std::string(600'000, ','))),
            v1::IMPORT_REASON_TOO_MANY_ROWS);
  EXPECT_EQ(ProblemOf(RequestFor(std::string(40'000, 'x') + "\n1\n")),
            v1::IMPORT_REASON_LONG_HEADING);
  EXPECT_EQ(ReasonOfResult(
                import_service_.ReadLog(phone_.token, RequestFor(std::string((2 << 20) + 1, 'x')))),
            v1::ERROR_REASON_INVALID_FIELD);
}

TEST_F(ImportServiceTest, AFileThatCameInPartsIsReadLikeOneThatCameWhole) {
  const std::string text = LargeLog();
  const std::string upload_id = random_.Bytes(16);
  v1::ReadLogRequest request = RequestFor("");
  request.set_upload_id(upload_id);
  request.set_format("csv");
  Upload(import_service_, upload_id, text, [&] {
    EXPECT_EQ(ReasonOfResult(import_service_.ReadLog(phone_.token, request)),
              v1::ERROR_REASON_NOT_FOUND);
  });
  std::set<std::string> ids;
  do {
    const v1::ReadLogResponse response = Read(request);
    for (const v1::ImportedEntry& entry : response.entries()) ids.insert(entry.record_id());
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());

  imports::ImportOptions options;
  options.zone = *FindZone("Europe/London");
  options.child = child_;
  const auto log = imports::ReadLog(text, "csv", options);
  std::set<std::string> expected;
  for (const imports::ImportedEntry& entry : log->entries) expected.insert(entry.id.str());
  EXPECT_EQ(ids, expected);

  // It is the file of that device alone.
  const auto invite = Invite(phone_, InviteRequest(phone_, v1::ROLE_CAREGIVER));
  const auto joined = TryJoin(*invite);
  EXPECT_EQ(ReasonOfResult(import_service_.ReadLog(joined->pairing().device_token(), request)),
            v1::ERROR_REASON_NOT_FOUND);
  v1::UploadLogRequest part;
  part.set_family_id(phone_.pairing.family_id());
  part.set_upload_id(upload_id);
  part.set_part("z");
  part.set_file_bytes((16 << 20) + 1);
  EXPECT_EQ(ReasonOfResult(import_service_.UploadLog(phone_.token, part)),
            v1::ERROR_REASON_INVALID_FIELD);
}

// Asks something more each time it is looked at, until it is told to stop.
class AskingClock final : public Clock {
 public:
  explicit AskingClock(std::function<void()> ask) : ask_(std::move(ask)) {}
  absl::Time Now() const override {
    ask_();
    return absl::Now();
  }

 private:
  const std::function<void()> ask_;
};

TEST_F(ImportServiceTest, FewFilesAreReadAtTheSameTime) {
  std::vector<v1::ErrorReason> refused;
  int depth = 0;
  std::function<void()> ask;
  const AskingClock clock([&ask] { ask(); });
  const ImportService service(engine_, clock);
  ask = [&] {
    if (++depth > 2) return;
    refused.push_back(ReasonOfResult(service.ReadLog(phone_.token, RequestFor(kHuckleberry))));
  };
  EXPECT_TRUE(service.ReadLog(phone_.token, RequestFor(kHuckleberry)).ok());
  // The innermost first.
  EXPECT_THAT(refused, ElementsAre(v1::ERROR_REASON_BUSY, v1::ERROR_REASON_UNSPECIFIED));
  depth = 2;
  EXPECT_TRUE(service.ReadLog(phone_.token, RequestFor(kHuckleberry)).ok());
}

TEST_F(ImportServiceTest, FurtherPagesOfAnUploadAreNotReadAnew) {
  std::function<void()> ask = [] {};
  const AskingClock clock([&ask] { ask(); });
  const ImportService service(engine_, clock);
  v1::ReadLogRequest request = RequestFor("");
  request.set_upload_id(random_.Bytes(16));
  request.set_format("csv");
  Upload(service, request.upload_id(), LargeLog(), [] {});
  request.set_page_token(service.ReadLog(phone_.token, request)->next_page_token());
  v1::ReadLogRequest otherwise = request;
  otherwise.set_date_order(v1::DATE_ORDER_DAY_FIRST);
  // A file cannot be read now, but what was read is there.
  int depth = 0;
  int entries = 0;
  v1::ErrorReason refused = v1::ERROR_REASON_UNSPECIFIED;
  ask = [&] {
    if (++depth > 2) return;
    if (depth < 2) return static_cast<void>(service.ReadLog(phone_.token, otherwise));
    const auto page = service.ReadLog(phone_.token, request);
    if (page.ok()) entries = page->entries_size();
    refused = ReasonOfResult(service.ReadLog(phone_.token, otherwise));
  };
  EXPECT_TRUE(service.ReadLog(phone_.token, otherwise).ok());
  EXPECT_GT(entries, 0);
  EXPECT_EQ(refused, v1::ERROR_REASON_BUSY);
}

}  // namespace
}  // namespace nightlog
