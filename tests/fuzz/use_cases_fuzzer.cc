// Any request of any RPC is answered, an error with its reason; and afterwards the store is whole,
// and another family is served.

#include <algorithm>

#include "google/protobuf/util/message_differencer.h"
#include "services/sleep_deriver.h"
#include "storage/repair.h"
#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/world.h"

namespace nightlog::fuzz {
namespace {

template <typename Service, typename Request, typename Response>
void Write(ByteSource& source, World& world, const std::string& token, const Service& service,
           void (Service::*use_case)(const std::string&, const Request&, Done<Response>) const) {
  Request request;
  if (!Make(source, TheExample().ids, request)) return;
  RequireClear(world.Call(service, use_case, token, request).status());
}

template <typename Service, typename Request, typename Response>
void Read(ByteSource& source, const std::string& token, const Service& service,
          absl::StatusOr<Response> (Service::*use_case)(const std::string&, const Request&) const) {
  Request request;
  if (!Make(source, TheExample().ids, request)) return;
  RequireClear((service.*use_case)(token, request).status());
}

template <typename Service, typename Request, typename Response>
void Stream(ByteSource& source, World& world, const std::string& token, const Service& service,
            absl::StatusOr<std::unique_ptr<MessageStream<Response>>> (Service::*use_case)(
                const std::string&, const Request&, StreamWake) const) {
  Request request;
  if (!Make(source, TheExample().ids, request)) return;
  RequireClear(world.Drain((service.*use_case)(token, request, [] {})));
}

// Edits of one group each, as a phone makes them, with any values and anything seen.
template <typename Body>
std::vector<v1::Edit> MakeEdits(ByteSource& source, const RecordId& record, const SeenEdits& saw) {
  Body body;
  Fill(source, TheExample().ids, body);
  std::vector<v1::Edit> edits = EditsOf(record, body, saw);
  // One alone is more likely to be right.
  if (source.Pick(4) != 0 && !edits.empty()) edits = {edits[source.Pick(edits.size())]};
  return edits;
}

// A push whose transaction is in place, so that its edits are looked at and merged.
void PushInPlace(ByteSource& source, World& world, TransactionBuilder& transactions) {
  const Phone& phone = TheExample().mine;
  SeenEdits saw;
  for (size_t count = source.Pick(3); count > 0; --count) {
    v1::EditId& seen = saw.emplace_back();
    seen.set_replica_id(phone.pairing.replica_id());
    seen.set_seq(1 + source.Pick(6));
    seen.set_index(static_cast<uint32_t>(source.Pick(3)));
  }
  const RecordId record =
      source.Pick(4) == 0 ? RecordId(TheExample().ids[source.Pick(6)]) : phone.entry;
  std::vector<v1::Edit> edits;
  switch (source.Pick(8)) {
    case 0:
      edits = MakeEdits<v1::Child>(source, record, saw);
      break;
    case 1:
      edits = MakeEdits<v1::Plan>(source, record, saw);
      break;
    case 2:
      edits = MakeEdits<v1::Comment>(source, record, saw);
      break;
    case 3:
      edits = {ExistenceEdit(record, source.Pick(2) == 0, saw)};
      break;
    default:
      edits = MakeEdits<v1::LogEntry>(source, record, saw);
  }
  const auto answer = world.Call(
      world.sync(), &SyncService::Push, phone.token,
      Example::PushOf(world, phone, {transactions.Make(std::move(edits), world.clock().Now())}));
  RequireClear(answer.status());
}

// A file that comes in two parts is read like one that comes whole.
void ReadUpload(ByteSource& source, World& world) {
  const Phone& phone = TheExample().mine;
  const std::string file = source.Bytes(255);
  v1::UploadLogRequest upload;
  upload.set_family_id(phone.pairing.family_id());
  upload.set_upload_id(phone.entry.str());
  upload.set_file_bytes(static_cast<uint32_t>(file.size()));
  const size_t middle = std::min(source.Pick(256), file.size());
  for (const std::string& part : {file.substr(0, middle), file.substr(middle)}) {
    upload.set_part(part);
    RequireClear(world.imports().UploadLog(phone.token, upload).status());
    upload.set_offset(static_cast<uint32_t>(part.size()));
  }
  v1::ReadLogRequest request;
  Fill(source, TheExample().ids, request);
  request.set_family_id(phone.pairing.family_id());
  request.set_zone("Europe/London");
  request.set_upload_id(upload.upload_id());
  const auto response = world.imports().ReadLog(phone.token, request);
  RequireClear(response.status());
  if (!response.ok()) return;
  request.clear_upload_id();
  request.set_file(file);
  const auto whole = world.imports().ReadLog(phone.token, request);
  CHECK(whole.ok() && google::protobuf::util::MessageDifferencer::Equals(*response, *whole));
}

void CallOnce(ByteSource& source, World& world, TransactionBuilder& transactions) {
  const std::string token = source.Pick(16) == 0 ? source.Bytes(50) : TheExample().mine.token;
  const uint8_t choice = source.Byte();
  // Bytes that no input had here before, so that each goes on to mean what it did.
  if (choice == 252) return Read(source, token, world.imports(), &ImportService::ReadLog);
  if (choice == 253) return Read(source, token, world.imports(), &ImportService::UploadLog);
  if (choice == 254) return ReadUpload(source, world);
  switch (choice % 24) {
    case 0:
      return Write(source, world, token, world.sync(), &SyncService::Push);
    case 1:
      return Write(source, world, token, world.sync(), &SyncService::Acknowledge);
    case 2:
      return Stream(source, world, token, world.sync(), &SyncService::Follow);
    case 3:
      return Read(source, token, world.sync(), &SyncService::ListHistory);
    case 4:
      return Stream(source, world, token, world.progress(), &ProgressService::Watch);
    case 5:
      return Read(source, token, world.progress(), &ProgressService::GetProgress);
    case 6:
      return Read(source, token, world.progress(), &ProgressService::ListNights);
    case 7:
      return Write(source, world, token, world.family(), &FamilyService::CreateFamily);
    case 8:
      return Write(source, world, token, world.family(), &FamilyService::CreateInvite);
    case 9:
      return Write(source, world, token, world.family(), &FamilyService::Join);
    case 10:
      return Read(source, token, world.family(), &FamilyService::ListFamilies);
    case 11:
      return Read(source, token, world.family(), &FamilyService::ListMembers);
    case 12:
      return Write(source, world, token, world.family(), &FamilyService::RevokeDevice);
    case 13:
      return Write(source, world, token, world.family(), &FamilyService::RemoveMember);
    case 14:
      return Write(source, world, token, world.family(), &FamilyService::SetConsent);
    case 15:
      return Write(source, world, token, world.family(), &FamilyService::RenewReplica);
    case 16: {
      v1::ExportFamilyRequest request;
      if (!Make(source, TheExample().ids, request)) return;
      return RequireClear(world.Drain(world.family().ExportFamily(token, request, [] {})));
    }
    case 17:
      return Write(source, world, token, world.family(), &FamilyService::EraseFamily);
    case 18:
      return Read(source, token, world.family(), &FamilyService::ListQuarantine);
    case 19:
      return Write(source, world, token, world.family(), &FamilyService::DecideQuarantine);
    case 20:
      return Write(source, world, token, world.family(), &FamilyService::ImportRecords);
    case 21:
      return Read(source, token, world.family(), &FamilyService::ListEvents);
    case 22:
      return Write(source, world, token, world.family(), &FamilyService::RotateToken);
    default:
      for (size_t count = 1 + source.Pick(4); count > 0; --count) {
        PushInPlace(source, world, transactions);
      }
  }
}

void RequireWhole(World& world, const Phone& phone, bool must_exist) {
  const FamilyId family(phone.pairing.family_id());
  const auto view = world.engine().Snapshot();
  const auto head = FamilyReader(*view, family).Head();
  CHECK(head.ok() && (head->has_value() || !must_exist));
  if (!head->has_value()) return;  // erased, as it was asked
  const absl::Status whole = VerifyFamily(*view, family);
  if (!whole.ok()) std::fprintf(stderr, "%s\n", whole.ToString().c_str());
  CHECK(whole.ok());
  const auto repair = PlanRepair(*view, family, SleepDeriver(), world.clock().Now());
  CHECK(repair.ok() && repair->damages.empty());
}

}  // namespace
}  // namespace nightlog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nightlog;        // NOLINT: the one function of this program
  using namespace nightlog::fuzz;  // NOLINT
  ByteSource source(data, size);
  World world(*TheExample().engine);
  TransactionBuilder transactions = TheExample().mine.transactions;
  while (!source.empty()) CallOnce(source, world, transactions);
  RequireWhole(world, TheExample().mine, /*must_exist=*/false);
  RequireWhole(world, TheExample().other, /*must_exist=*/true);
  v1::ListMembersRequest request;
  request.set_family_id(TheExample().other.pairing.family_id());
  CHECK(world.family().ListMembers(TheExample().other.token, request).ok());
  return 0;
}
