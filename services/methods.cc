#include "services/methods.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

template <typename Request>
absl::StatusOr<Request> Parse(absl::string_view bytes) {
  Request request;
  if (request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return request;
  return MakeError(
      absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_FIELD,
      absl::StrCat("The bytes of the request are not a ", Request::descriptor()->full_name(), "."));
}

template <typename Response>
Done<Response> Serialized(Done<std::string> done) {
  return [done = std::move(done)](absl::StatusOr<Response> answer) {
    if (!answer.ok()) return done(answer.status());
    done(answer->SerializeAsString());
  };
}

template <typename Response>
class SerializedStream final : public ByteStream {
 public:
  explicit SerializedStream(std::unique_ptr<MessageStream<Response>> stream)
      : stream_(std::move(stream)) {}

  StreamStep<std::string> Next() override {
    using Kind = StreamStep<std::string>::Kind;
    StreamStep<Response> step = stream_->Next();
    StreamStep<std::string> bytes;
    bytes.kind = static_cast<Kind>(step.kind);
    bytes.more = step.more;
    bytes.message = std::move(step.bytes);
    if (bytes.message == nullptr && step.message != nullptr) {
      bytes.message = std::make_shared<const std::string>(step.message->SerializeAsString());
    }
    bytes.status = std::move(step.status);
    return bytes;
  }

  bool WriteIfOpen(absl::FunctionRef<void()> write) override { return stream_->WriteIfOpen(write); }

 private:
  const std::unique_ptr<MessageStream<Response>> stream_;
};

// Whether the use case that answered so may know the token once it was taken into use.
bool IsUnknown(const std::string& token, const absl::Status& answer) {
  return !token.empty() && ReasonOf(answer) == v1::ERROR_REASON_UNKNOWN_DEVICE;
}

// Runs `call`. Where it does not know the token, and RotateToken announced it, the token is taken
// into use and `call` runs once more, on the executor.
void CallWithToken(const FamilyService& family, Executor& executor, const std::string& token,
                   const std::function<void(Done<std::string>)>& call, Done<std::string> done) {
  call([&family, &executor, token, call,
        done = std::move(done)](absl::StatusOr<std::string> answer) {
    if (!IsUnknown(token, answer.status())) return done(std::move(answer));
    const auto use = [&family, &executor, token, call, done] {
      family.UseNewToken(token, [&executor, call, done](absl::Status used) {
        if (!used.ok()) return done(std::move(used));
        if (!executor.TryPost([call, done] { call(done); })) done(BusyError());
      });
    };
    if (!executor.TryPost(use)) done(BusyError());
  });
}

// The same of a stream that is opened; waits for the disk.
absl::Status AwaitNewToken(const FamilyService& family, const std::string& token) {
  absl::Status used;
  absl::Notification done;
  family.UseNewToken(token, [&](absl::Status status) {
    used = std::move(status);
    done.Notify();
  });
  done.WaitForNotification();
  return used;
}

// The ways from a call to a use case.
class MethodList {
 public:
  MethodList(const FamilyService& family, Executor& executor)
      : family_(family), executor_(executor) {}

  // A use case that does not block and answers when it has committed.
  template <typename Service, typename Request, typename Response>
  void Write(const std::string& path, const Service& service,
             void (Service::*use_case)(const std::string&, const Request&, Done<Response>) const) {
    methods_[path].call = [&service, &family = family_, &executor = executor_, use_case](
                              const Peer& peer, absl::string_view bytes, Done<std::string> done) {
      absl::StatusOr<Request> request = Parse<Request>(bytes);
      if (!request.ok()) return done(request.status());
      CallWithToken(
          family, executor, peer.token,
          [&service, use_case, token = peer.token,
           request =
               std::make_shared<const Request>(*std::move(request))](Done<std::string> answer) {
            (service.*use_case)(token, *request, Serialized<Response>(std::move(answer)));
          },
          std::move(done));
    };
  }

  // The same for one that blocks before it commits.
  template <typename Service, typename Request, typename Response>
  void BlockingWrite(const std::string& path, const Service& service,
                     void (Service::*use_case)(const std::string&, const Request&, Done<Response>)
                         const) {
    Post<Request>(path, [&service, use_case](const std::string& token, const Request& request,
                                             Done<std::string> done) {
      (service.*use_case)(token, request, Serialized<Response>(std::move(done)));
    });
  }

  // A use case that may block.
  template <typename Service, typename Request, typename Response>
  void Read(const std::string& path, const Service& service,
            absl::StatusOr<Response> (Service::*use_case)(const std::string&, const Request&)
                const) {
    Post<Request>(path, [&service, use_case](const std::string& token, const Request& request,
                                             Done<std::string> done) {
      Serialized<Response>(std::move(done))((service.*use_case)(token, request));
    });
  }

  // A stream, whose opening and steps may block.
  template <typename Service, typename Request, typename Response>
  void Stream(const std::string& path, const Service& service,
              absl::StatusOr<std::unique_ptr<MessageStream<Response>>> (Service::*use_case)(
                  const std::string&, const Request&, StreamWake) const) {
    methods_[path].open = [&service, &family = family_, use_case](
                              const Peer& peer, absl::string_view bytes,
                              StreamWake wake) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
      ASSIGN_OR_RETURN(const Request request, Parse<Request>(bytes));
      absl::StatusOr<std::unique_ptr<MessageStream<Response>>> stream =
          (service.*use_case)(peer.token, request, wake);
      if (IsUnknown(peer.token, stream.status())) {
        RETURN_IF_ERROR(AwaitNewToken(family, peer.token));
        stream = (service.*use_case)(peer.token, request, std::move(wake));
      }
      RETURN_IF_ERROR(stream.status());
      return std::make_unique<SerializedStream<Response>>(*std::move(stream));
    };
  }

  Methods Take() { return std::move(methods_); }

 private:
  // Parses at once and runs `use_case` on the executor.
  template <typename Request>
  void Post(const std::string& path,
            std::function<void(const std::string&, const Request&, Done<std::string>)> use_case) {
    methods_[path].call = [&family = family_, &executor = executor_,
                           use_case = std::move(use_case)](
                              const Peer& peer, absl::string_view bytes, Done<std::string> done) {
      absl::StatusOr<Request> request = Parse<Request>(bytes);
      if (!request.ok()) return done(request.status());
      const auto call = [&use_case, token = peer.token,
                         request = std::make_shared<const Request>(*std::move(request))](
                            Done<std::string> answer) {
        use_case(token, *request, std::move(answer));
      };
      if (!executor.TryPost([&family, &executor, token = peer.token, call, done] {
            CallWithToken(family, executor, token, call, done);
          })) {
        done(BusyError());
      }
    };
  }

  const FamilyService& family_;
  Executor& executor_;
  Methods methods_;
};

}  // namespace

Methods MakeMethods(const SyncService& sync, const ProgressService& progress,
                    const FamilyService& family, const ImportService& imports, Executor& executor) {
  MethodList list(family, executor);

  const std::string sync_path = "/nightlog.v1.SyncService/";
  list.Write(sync_path + "Push", sync, &SyncService::Push);
  list.Stream(sync_path + "Follow", sync, &SyncService::Follow);
  list.Write(sync_path + "Acknowledge", sync, &SyncService::Acknowledge);
  list.Read(sync_path + "ListHistory", sync, &SyncService::ListHistory);

  const std::string progress_path = "/nightlog.v1.ProgressService/";
  list.Stream(progress_path + "Watch", progress, &ProgressService::Watch);
  list.Read(progress_path + "GetProgress", progress, &ProgressService::GetProgress);
  list.Read(progress_path + "ListNights", progress, &ProgressService::ListNights);

  const std::string family_path = "/nightlog.v1.FamilyService/";
  list.Write(family_path + "CreateFamily", family, &FamilyService::CreateFamily);
  list.Write(family_path + "CreateInvite", family, &FamilyService::CreateInvite);
  list.BlockingWrite(family_path + "Join", family, &FamilyService::Join);
  list.Read(family_path + "ListFamilies", family, &FamilyService::ListFamilies);
  list.Read(family_path + "ListMembers", family, &FamilyService::ListMembers);
  list.Write(family_path + "RevokeDevice", family, &FamilyService::RevokeDevice);
  list.Write(family_path + "RemoveMember", family, &FamilyService::RemoveMember);
  list.Write(family_path + "SetConsent", family, &FamilyService::SetConsent);
  list.Write(family_path + "RenewReplica", family, &FamilyService::RenewReplica);
  list.Write(family_path + "RotateToken", family, &FamilyService::RotateToken);
  list.Read(family_path + "ListQuarantine", family, &FamilyService::ListQuarantine);
  list.Write(family_path + "DecideQuarantine", family, &FamilyService::DecideQuarantine);
  list.Read(family_path + "ListEvents", family, &FamilyService::ListEvents);
  list.Stream(family_path + "ExportFamily", family, &FamilyService::ExportFamily);
  list.BlockingWrite(family_path + "ImportRecords", family, &FamilyService::ImportRecords);
  list.Write(family_path + "EraseFamily", family, &FamilyService::EraseFamily);

  const std::string import_path = "/nightlog.v1.ImportService/";
  list.Read(import_path + "ReadLog", imports, &ImportService::ReadLog);
  list.Read(import_path + "UploadLog", imports, &ImportService::UploadLog);

  return list.Take();
}

absl::Status LateRequestError() {
  return MakeError(
      absl::StatusCode::kDeadlineExceeded, v1::ERROR_REASON_LATE_REQUEST,
      absl::StrCat("The request did not come within ", absl::FormatDuration(kRequestMax),
                   "; send it again, or less at once."));
}

absl::Status TooMuchError(absl::string_view what, absl::Duration wait) {
  const absl::Duration seconds = absl::Ceil(wait, absl::Seconds(1));
  return WithRetryDelay(
      MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUSY,
                absl::StrCat(what, "; try again in ", absl::FormatDuration(seconds), ".")),
      seconds);
}

absl::Status BusyError() { return TooMuchError("The server has too much to do", absl::Seconds(1)); }

absl::Status DrainingError() {
  return MakeError(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING,
                   "The server is stopping; try again.");
}

std::string BearerToken(absl::string_view authorization) {
  constexpr absl::string_view kScheme = "bearer ";
  if (!absl::StartsWithIgnoreCase(authorization, kScheme)) return "";
  return std::string(authorization.substr(kScheme.size()));
}

}  // namespace nightlog
