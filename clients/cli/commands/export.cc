#include <fstream>
#include <iostream>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/json.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (!arguments.words().empty()) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  const absl::optional<std::string> path = arguments.Get("out");
  std::ofstream file;
  if (path.has_value()) {
    file.open(*path, std::ios::binary | std::ios::trunc);
    if (!file) return absl::NotFoundError(absl::StrCat("the file ", *path, " cannot be written"));
  }
  std::ostream& out = path.has_value() ? file : std::cout;
  v1::ExportFamilyRequest request;
  request.set_family_id(family.str());
  const auto stream = connection->ExportFamily(request, absl::Now() + absl::Minutes(10));
  int count = 0;
  v1::ExportFamilyResponse response;
  while (stream->Read(response)) {
    for (const v1::Record& record : response.records()) {
      out << ToJson(record) << "\n";
      ++count;
    }
  }
  RETURN_IF_ERROR(stream->Finish());
  if (!out.flush())
    return absl::DataLossError("the export could not be written; is the disk full?");
  if (path.has_value() && !phone.options().json) {
    std::cout << count << " records are in " << *path << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kExportCommand = {"export",
                                "[--out FILE]",
                                "every record of the family, a line of JSON each",
                                {{"out", "FILE", "where to; default standard output"}},
                                Run};

}  // namespace nightlog::cli
