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
#include "services/imports/csv.h"
#include "services/imports/format.h"
#include "services/imports/remark.h"
#include "services/imports/text.h"
#include "services/methods.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/local_reading.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/family_reader.h"

namespace nightlog {
namespace {

constexpr size_t kRowsMax = 50'000;
// A cell takes more memory than its bytes.
constexpr int64_t kCellsMax = 500'000;
constexpr int kRemarksListed = 200;
// Entries in a page, without their ids; with those and all remarks, less than the 4 MiB that gRPC's
// clients take.
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
  } else if (request.date_order() == v1::DATE_ORDER_MONTH_FIRST) {
    options.date_order = imports::DateOrder::kMonthFirst;
  }
  if (request.amounts() == v1::VOLUME_UNIT_MILLILITRE) {
    options.amounts = imports::VolumeUnit::kMillilitre;
  } else if (request.amounts() == v1::VOLUME_UNIT_OUNCE) {
    options.amounts = imports::VolumeUnit::kOunce;
  }
  options.columns.insert(request.columns().begin(), request.columns().end());
  options.kinds.insert(request.kinds().begin(), request.kinds().end());
  options.day_zero = imports::ParseDay(request.day_zero(), imports::DateOrder::kMonthFirst);
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

// The entries in pages, of which each is also what `first` says of all of them.
std::vector<v1::ReadLogResponse> PagesOf(const v1::ReadLogResponse& first,
                                         std::vector<imports::ImportedEntry>& entries) {
  std::vector<v1::ReadLogResponse> pages = {first};
  size_t bytes = 0;
  for (imports::ImportedEntry& imported : entries) {
    bytes += imported.entry.ByteSizeLong();
    if (bytes > kPageBytes && !pages.back().entries().empty()) {
      pages.back().set_next_page_token(absl::StrCat(pages.size()));
      pages.push_back(first);
      bytes = imported.entry.ByteSizeLong();
    }
    v1::ImportedEntry& entry = *pages.back().add_entries();
    entry.set_record_id(imported.id.str());
    *entry.mutable_entry() = std::move(imported.entry);
  }
  return pages;
}

// All that is in the file.
absl::StatusOr<std::vector<v1::ReadLogResponse>> ReadPages(const v1::ReadLogRequest& request,
                                                           const std::string& file) {
  ASSIGN_OR_RETURN(const imports::ImportOptions options, OptionsOf(request));
  v1::ReadLogResponse response;
  response.set_format(request.format());
  const std::string text = imports::TextOf(file);
  const char separator = imports::SeparatorOf(text);
  const int64_t cells = std::count_if(text.begin(), text.end(), [separator](char c) {
    return c == separator || c == '\n' || c == '\r';
  });
  if (cells > kCellsMax) {
    *response.mutable_problem() =
        imports::MakeRemark(v1::IMPORT_REASON_TOO_MANY_ROWS, {absl::StrCat(kRowsMax)});
    return std::vector{response};
  }
  const std::vector<imports::CsvRow> rows = imports::ParseCsv(text);
  absl::StatusOr<imports::ImportedLog> log = imports::ReadLog(rows, request.format(), options);
  if (!log.ok()) *response.mutable_problem() = imports::RemarkOf(log.status());
  if (!rows.empty() && response.problem().reason() != v1::IMPORT_REASON_LONG_HEADING) {
    for (const std::string& column : rows[0].fields) {
      response.add_heading(std::string(absl::StripAsciiWhitespace(column)));
    }
  }
  if (!log.ok()) return std::vector{response};

  response.set_format(std::string(log->format));
  response.mutable_columns()->insert(log->columns.begin(), log->columns.end());
  response.set_rows(log->rows);
  response.set_rows_of_other_children(log->of_other_children);
  response.set_rows_set_aside(static_cast<int>(log->set_aside.size()));
  List(log->set_aside, *response.mutable_set_aside());
  response.set_adjustments(static_cast<int>(log->adjusted.size()));
  List(log->adjusted, *response.mutable_adjusted());
  response.set_entry_count(static_cast<int>(log->entries.size()));
  return PagesOf(response, log->entries);
}

absl::Status PageTokenError() {
  return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_PAGE_TOKEN,
                   "page_token is not one of this server; start over without it.");
}

}  // namespace

absl::StatusOr<v1::ReadLogResponse> ImportService::ReadLog(
    const std::string& token, const v1::ReadLogRequest& request) const {
  const absl::Cleanup end = [this] { --under_way_; };
  const bool busy = ++under_way_ > kAtOnceMax;
  RETURN_IF_ERROR(ValidateRequest(request));
  ASSIGN_OR_RETURN(const DeviceId device,
                   CheckAccess(engine_, token, FamilyId(request.family_id()), clock_.Now()));
  uint32_t number = 0;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &number)) {
    return PageTokenError();
  }
  const bool is_upload = !request.upload_id().empty();
  std::string same;  // for all pages
  if (is_upload) {
    v1::ReadLogRequest asked = request;
    asked.clear_page_token();
    asked.clear_file();
    same = SerializeDeterministic(asked);
    v1::ReadLogResponse response;
    const auto page = uploads_.Page(device, request.upload_id(), same, number);
    if (page.has_value() && response.ParseFromString(*page)) return response;
  }
  if (busy) return BusyError();
  std::shared_ptr<const std::string> uploaded;
  if (is_upload) {
    ASSIGN_OR_RETURN(uploaded, uploads_.Get(device, request.upload_id()));
  }
  ASSIGN_OR_RETURN(std::vector<v1::ReadLogResponse> pages,
                   ReadPages(request, is_upload ? *uploaded : request.file()));
  if (number >= pages.size()) return PageTokenError();
  if (is_upload && pages.size() > 1) {
    std::vector<std::string> kept;
    for (const v1::ReadLogResponse& page : pages) kept.push_back(page.SerializeAsString());
    uploads_.KeepPages(device, uploaded, same, std::move(kept));
  }
  return std::move(pages[number]);
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
