// Runs every worked night of tests/vectors (but methods.json, a table) and compares each expected
// field by name. The web app's tests read the same files.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "storage/core/proto_time.h"
#include "tests/services/sleep/night_builder.h"

namespace nightlog::sleep {
namespace {

using Json = nlohmann::json;
using google::protobuf::FieldDescriptor;

std::vector<std::filesystem::path> VectorFiles() {
  std::vector<std::filesystem::path> files;
  for (const auto& file :
       std::filesystem::directory_iterator(NIGHTLOG_SOURCE_DIR "/tests/vectors")) {
    const std::string name = file.path().filename();
    if (file.path().extension() == ".json" && absl::ascii_isdigit(name[0])) {
      files.push_back(file.path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

absl::Time ParseIso(const std::string& text) {
  absl::Time time;
  std::string error;
  for (const char* format : {"%Y-%m-%d%ET%H:%M%Ez", "%Y-%m-%d%ET%H:%M:%E*S%Ez"}) {
    if (absl::ParseTime(format, text, &time, &error)) return time;
  }
  ADD_FAILURE() << "not a time: " << text << ": " << error;
  return time;
}

// The number of an enum value named `PREFIX_NAME`; fails the test for an unknown one.
int EnumNumber(const google::protobuf::EnumDescriptor* type, absl::string_view prefix,
               const std::string& name) {
  const auto* value = type->FindValueByName(absl::StrCat(prefix, absl::AsciiStrToUpper(name)));
  if (value == nullptr) {
    ADD_FAILURE() << name << " is no " << type->name();
    return 0;
  }
  return value->number();
}

v1::EntryDetail DetailOf(const Json& event) {
  v1::EntryDetail detail;
  const std::string type = event.at("type");
  if (type == "bedtime") {
    detail.mutable_put_down();
  } else if (type == "sleep") {
    detail.mutable_sleep();
  } else if (type == "awake") {
    detail.mutable_awake();
  } else if (type == "cry") {
    detail.mutable_crying();
  } else if (type == "rise") {
    detail.mutable_rise();
  } else if (type == "response") {
    auto* response = detail.mutable_response();
    response->set_level(event.at("level"));
    if (event.contains("position")) {
      response->set_position(static_cast<v1::Position>(
          EnumNumber(v1::Position_descriptor(), "POSITION_", event["position"])));
    }
    if (event.contains("exempt_reason")) {
      response->set_exempt_reason(static_cast<v1::ExemptReason>(
          EnumNumber(v1::ExemptReason_descriptor(), "EXEMPT_REASON_", event["exempt_reason"])));
    }
  } else {
    ADD_FAILURE() << "unknown event type " << type;
  }
  return detail;
}

void ReadPlan(const Json& json, v1::PlanApproach* approach) {
  for (const auto& [key, value] : json.items()) {
    if (key == "method") {
      approach->set_method(static_cast<v1::PlanMethod>(
          EnumNumber(v1::PlanMethod_descriptor(), "PLAN_METHOD_", value)));
    } else if (key == "allowed_levels") {
      for (int level : value) approach->add_allowed_levels(level);
    } else if (key == "rungs") {
      for (int level : value) approach->add_rungs(level);
    } else if (key == "max_visit_min") {
      approach->set_max_visit_min(value);
    } else if (key == "min_rung_min") {
      approach->set_min_rung_min(value);
    } else if (key == "planned_put_down") {
      approach->set_planned_put_down(value);
    } else if (key == "planned_rise") {
      approach->set_planned_rise(value);
    } else {
      ADD_FAILURE() << "unknown plan parameter " << key;
    }
  }
}

// Of events with one id the highest revision stands; the server does this before the sleep library.
std::vector<Json> CurrentEvents(const Json& events) {
  std::map<std::string, Json> current;
  for (const Json& event : events) {
    Json& known = current[event.at("id")];
    if (known.is_null() || known.value("rev", 1) < event.value("rev", 1)) known = event;
  }
  std::vector<Json> list;
  for (auto& [id, event] : current) list.push_back(event);
  return list;
}

// The value of a field of `message`, as JSON; null where it is unset.
Json FieldValue(const google::protobuf::Message& message, const FieldDescriptor* field) {
  const auto* reflection = message.GetReflection();
  if (field->has_presence() && !reflection->HasField(message, field)) return nullptr;
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return reflection->GetDouble(message, field);
    case FieldDescriptor::CPPTYPE_INT32:
      return reflection->GetInt32(message, field);
    case FieldDescriptor::CPPTYPE_BOOL:
      return reflection->GetBool(message, field);
    default:
      ADD_FAILURE() << "no comparison for " << field->full_name();
      return nullptr;
  }
}

std::string Lower(absl::string_view name, absl::string_view prefix) {
  return absl::AsciiStrToLower(absl::StripPrefix(name, prefix));
}

void ExpectSame(const Json& actual, const Json& expected, const std::string& what) {
  if (actual.is_number() && expected.is_number()) {
    EXPECT_NEAR(actual.get<double>(), expected.get<double>(), 1e-9) << what;
  } else {
    EXPECT_EQ(actual, expected) << what;
  }
}

// Numbers and truth values, by the name of their proto field.
void ExpectField(const google::protobuf::Message& message, const std::string& name,
                 const Json& expected) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr) {
    ADD_FAILURE() << "unknown expected field " << name;
    return;
  }
  ExpectSame(FieldValue(message, field), expected, name);
}

template <typename Ids>
Json IdList(const Ids& ids) {
  Json list = Json::array();
  for (const std::string& id : ids) list.push_back(id);
  return list;
}

void ExpectAdherence(const v1::NightSummary& summary, const Json& expected) {
  const v1::Adherence& adherence = summary.adherence();
  for (const auto& [name, value] : expected.items()) {
    if (name == "verdicts") {
      Json verdicts = Json::array();
      for (const auto& verdict : adherence.verdicts()) {
        verdicts.push_back(
            Lower(v1::ResponseVerdictKind_Name(verdict.verdict()), "RESPONSE_VERDICT_KIND_"));
      }
      EXPECT_EQ(verdicts, value) << name;
    } else if (name == "by_caregiver") {
      std::set<std::string> seen;
      for (const auto& caregiver : summary.caregivers()) {
        seen.insert(caregiver.member_id());
        ExpectSame(
            FieldValue(caregiver, caregiver.GetDescriptor()->FindFieldByName("adherence_pct")),
            value.value(caregiver.member_id(), Json()), name + caregiver.member_id());
      }
      for (const auto& [member, pct] : value.items()) EXPECT_EQ(seen.count(member), 1u) << member;
    } else {
      ExpectField(adherence, name, value);
    }
  }
}

void ExpectSummary(const v1::NightSummary& summary, const Json& vector) {
  for (const auto& [name, value] : vector.at("expected").items()) {
    if (name == "status") {
      EXPECT_EQ(Lower(v1::NightStatus_Name(summary.status()), "NIGHT_STATUS_"), value);
    } else if (name == "phase") {
      EXPECT_EQ(Lower(v1::NightPhase_Name(summary.phase()), "NIGHT_PHASE_"), value);
    } else if (name == "interventions_by_level") {
      Json levels = Json::object();
      for (const auto& [level, count] : summary.interventions_by_level()) {
        levels[std::to_string(level)] = count;
      }
      EXPECT_EQ(levels, value) << name;
    } else if (name == "imputed") {
      EXPECT_EQ(IdList(summary.imputed_entry_ids()), value) << name;
    } else if (name == "rejected") {
      EXPECT_EQ(IdList(summary.rejected_entry_ids()), value) << name;
    } else if (name == "clinical_flags") {
      Json flags = Json::array();
      for (int flag : summary.clinical_flags()) {
        flags.push_back(
            Lower(v1::ClinicalFlag_Name(static_cast<v1::ClinicalFlag>(flag)), "CLINICAL_FLAG_"));
      }
      EXPECT_EQ(flags, value) << name;
    } else if (name == "final_wake_local") {
      // In the zone of the sleep that ended then.
      const absl::Time wake = FromProto(summary.final_wake_at());
      std::string zone = vector.at("tz");
      for (const Json& event : vector.at("events")) {
        if (event.at("type") == "sleep" && event.contains("end") &&
            ParseIso(event["end"]) == wake) {
          zone = event.value("tz", zone);
        }
      }
      EXPECT_EQ(absl::FormatTime("%Y-%m-%d%ET%H:%M%z", wake, ZoneOr(zone, absl::UTCTimeZone())),
                value);
    } else if (name == "adherence") {
      ExpectAdherence(summary, value);
    } else {
      ExpectField(summary, name, value);
    }
  }
}

class WorkedNight : public testing::TestWithParam<std::filesystem::path> {};

TEST_P(WorkedNight, MatchesFieldByField) {
  std::ifstream file(GetParam());
  const Json vector = Json::parse(file);
  ASSERT_FALSE(vector.at("expected").empty());

  NightBuilder night(vector.at("night").get<std::string>(), vector.at("tz").get<std::string>());
  if (vector.contains("desired_rise")) night.child().set_desired_rise_time(vector["desired_rise"]);
  if (vector.contains("birth_date")) night.child().set_birth_date(vector["birth_date"]);
  if (vector.contains("night_window")) {
    night.child().mutable_night_window()->set_start(vector["night_window"].at("start"));
    night.child().mutable_night_window()->set_end(vector["night_window"].at("end"));
  }
  if (vector.contains("plan")) {
    v1::Plan& plan = night.UsePlan(v1::PLAN_METHOD_UNSPECIFIED, vector.value("night_no", 1));
    ReadPlan(vector["plan"], plan.mutable_approach());
  }
  for (const Json& event : CurrentEvents(vector.at("events"))) {
    absl::optional<absl::Time> end;
    if (event.contains("end")) end = ParseIso(event["end"]);
    night.Add(DetailOf(event), ParseIso(event.at("start")), end, event.value("caregiver", "mom"),
              event.value("tz", ""), event.at("id").get<std::string>());
  }

  const v1::NightSummary summary = night.Summarize();

  ExpectSummary(summary, vector);
  if (HasFailure()) GTEST_LOG_(INFO) << summary.DebugString();
}

std::string NameOf(const testing::TestParamInfo<std::filesystem::path>& info) {
  return info.param.stem();
}

// Fails, as an uninstantiated suite does, if the folder holds no vector.
INSTANTIATE_TEST_SUITE_P(Vectors, WorkedNight, testing::ValuesIn(VectorFiles()), NameOf);

TEST(WorkedNights, AreThere) { EXPECT_GE(VectorFiles().size(), 8u); }

}  // namespace
}  // namespace nightlog::sleep
