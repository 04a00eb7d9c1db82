#include "services/import_service.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/access.h"
#include "services/imports/format.h"
#include "services/imports/remark.h"
#include "services/imports/text.h"
#include "services/methods.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/local_reading.h"
#include "storage/core/status_macros.h"
#include "storage/family_reader.h"

namespace nightlog {
namespace {

constexpr size_t kRowsMax = 50'000;
// A cell takes more memory than its bytes.
constexpr int64_t kCellsMax = 500'000;
constexpr int kRemarksListed = 200;
// Entries in a page, without their ids; with those and all remarks, less than the 4 MiB that gRPC's
// clients take. Each page reads the file anew.
constexpr size_t kPageBytes = 2 << 20;

// The device that asks, if it may.
absl::StatusOr<DeviceId> CheckAccess(const Engine& engine, const std::string& token,
                                     const FamilyId& family, absl::Time now) {
  const std::unique_ptr<ReadView> view = engine.Snapshot();
  ASSIGN_OR_RETURN(const DeviceId device, Authenticate(*view, token));
  ASSIGN_OR_RETURN(const Access access, Authorize(FamilyReader(*view, family), device, now));
  RETURN_IF_ERROR(RequireAction(access, Action::kReadLog));
  return device;
}

absl::StatusOr<imports::ImportOptions> OptionsOf(const v1::ReadLogRequest& request) {
  imports::ImportOptions options;
  ASSIGN_OR_RETURN(options.zone, FindZone(request.zone()));
  options.child = RecordId(request.child_id());
  if (!request.file_child().empty()) options.file_child = request.file_child();
  if (request.date_order() == v1::DATE_ORDER_DAY_FIRST) {
    options.date_order = imports::DateOrder::kDayFirst;
  }
  if (request.amounts() == v1::VOLUME_UNIT_MILLILITRE) {
    options.amounts = imports::VolumeUnit::kMillilitre;
  } else if (request.amounts() == v1::VOLUME_UNIT_OUNCE) {
    options.amounts = imports::VolumeUnit::kOunce;
  }
  options.columns.insert(request.columns().begin(), request.columns().end());
  options.kinds.insert(request.kinds().begin(), request.kinds().end());
  options.day_zero = imports::ParseDay(request.day_zero(), options.date_order);
  options.rows_max = kRowsMax;
  return options;
}

// The first remarks of a list.
void List(std::vector<v1::ImportRemark>& remarks,
          google::protobuf::RepeatedPtrField<v1::ImportRemark>& listed) {
  for (v1::ImportRemark& remark : remarks) {
    if (listed.size() == kRemarksListed) return;
    *listed.Add() = std::move(remark);
  }
}

// The page of entries that begins with the one numbered `begin`.
void AddEntries(std::vector<imports::ImportedEntry>& entries, size_t begin,
                v1::ReadLogResponse& response) {
  size_t bytes = 0;
  for (size_t i = begin; i < entries.size(); ++i) {
    bytes += entries[i].entry.ByteSizeLong();
    if (bytes > kPageBytes && i > begin) {
      response.set_next_page_token(absl::StrCat(i));
      return;
    }
    v1::ImportedEntry& entry = *response.add_entries();
    entry.set_record_id(entries[i].id.str());
    *entry.mutable_entry() = std::move(entries[i].entry);
  }
}

}  // namespace

absl::StatusOr<v1::ReadLogResponse> ImportService::ReadLog(
    const std::string& token, const v1::ReadLogRequest& request) const {
  const absl::Cleanup end = [this] { --under_way_; };
  if (++under_way_ > kAtOnceMax) return BusyError();
  RETURN_IF_ERROR(ValidateRequest(request));
  ASSIGN_OR_RETURN(const DeviceId device,
                   CheckAccess(engine_, token, FamilyId(request.family_id()), clock_.Now()));
  std::string uploaded;
  if (!request.upload_id().empty()) {
    ASSIGN_OR_RETURN(uploaded, uploads_.Get(device, request.upload_id()));
  }
  uint32_t begin = 0;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &begin)) {
    return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_PAGE_TOKEN,
                     "page_token is not one of this server; start over without it.");
  }
  ASSIGN_OR_RETURN(const imports::ImportOptions options, OptionsOf(request));

  v1::ReadLogResponse response;
  response.set_format(request.format());
  const std::string text = imports::TextOf(request.upload_id().empty() ? request.file() : uploaded);
  const int64_t cells = std::count_if(text.begin(), text.end(),
                                      [](char c) { return c == ',' || c == '\n' || c == '\r'; });
  if (cells > kCellsMax) {
    *response.mutable_problem() =
        imports::MakeRemark(v1::IMPORT_REASON_TOO_MANY_ROWS, {absl::StrCat(kRowsMax)});
    return response;
  }
  const std::vector<imports::CsvRow> rows = imports::ParseCsv(text);
  absl::StatusOr<imports::ImportedLog> log = imports::ReadLog(rows, request.format(), options);
  if (!log.ok()) *response.mutable_problem() = imports::RemarkOf(log.status());
  if (!rows.empty() && response.problem().reason() != v1::IMPORT_REASON_LONG_HEADING) {
    for (const std::string& column : rows[0].fields) {
      response.add_heading(std::string(absl::StripAsciiWhitespace(column)));
    }
  }
  if (!log.ok()) return response;

  response.set_format(std::string(log->format));
  response.mutable_columns()->insert(log->columns.begin(), log->columns.end());
  response.set_rows(log->rows);
  response.set_rows_of_other_children(log->of_other_children);
  response.set_rows_set_aside(static_cast<int>(log->set_aside.size()));
  List(log->set_aside, *response.mutable_set_aside());
  response.set_adjustments(static_cast<int>(log->adjusted.size()));
  List(log->adjusted, *response.mutable_adjusted());
  response.set_entry_count(static_cast<int>(log->entries.size()));
  AddEntries(log->entries, begin, response);
  return response;
}

absl::StatusOr<v1::UploadLogResponse> ImportService::UploadLog(
    const std::string& token, const v1::UploadLogRequest& request) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  ASSIGN_OR_RETURN(const DeviceId device,
                   CheckAccess(engine_, token, FamilyId(request.family_id()), clock_.Now()));
  ASSIGN_OR_RETURN(const size_t bytes_here, uploads_.Add(device, request));
  v1::UploadLogResponse response;
  response.set_bytes_here(static_cast<uint32_t>(bytes_here));
  return response;
}

}  // namespace nightlog
