// nightlogctl: looks after a server's store and its backups, beside nightlogd and with its
// settings.
//
// Exit codes: 0; 1 if it could not, or found damage, with what is wrong on stderr; 2 for a command
// that does not exist.

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/options.h"
#include "services/sleep_deriver.h"
#include "storage/backup.h"
#include "storage/column_families.h"
#include "storage/committer.h"
#include "storage/core/clock.h"
#include "storage/core/ids.h"
#include "storage/core/random.h"
#include "storage/core/status_macros.h"
#include "storage/core/version.h"
#include "storage/engine/rocksdb_backups.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/family_writer.h"
#include "storage/feed.h"
#include "storage/purge.h"
#include "storage/repair.h"
#include "storage/store.h"

namespace nightlog {
namespace {

constexpr char kDefaultConfig[] = "/etc/nightlog/nightlogd.conf";

absl::StatusOr<std::unique_ptr<RocksdbEngine>> OpenStoreAt(const std::string& path) {
  ASSIGN_OR_RETURN(std::unique_ptr<RocksdbEngine> engine,
                   RocksdbEngine::Open(path, kColumnFamilyNames));
  RETURN_IF_ERROR(OpenStore(*engine));
  return engine;
}

// The store that the server uses, which must be there.
absl::StatusOr<std::unique_ptr<RocksdbEngine>> OpenExisting(const Options& options) {
  std::error_code error;
  if (!std::filesystem::exists(options.data_dir + "/STORE", error)) {
    return error ? absl::UnavailableError(
                       absl::StrCat("cannot look into --data_dir=", options.data_dir, ": ",
                                    error.message(), "; run it as root or as nightlogd's user."))
                 : absl::NotFoundError(
                       absl::StrCat("there is no store in --data_dir=", options.data_dir,
                                    "; give the directory that nightlogd has."));
  }
  return OpenStoreAt(options.data_dir);
}

// The directory of the backups, to be read or, for RocksdbBackups, added to.
template <typename Backups>
absl::StatusOr<std::unique_ptr<Backups>> OpenBackups(const Options& options) {
  if (options.backup_dir.empty()) {
    return absl::InvalidArgumentError(
        "--backup_dir is missing; give the directory of the backups.");
  }
  return Backups::Open(options.backup_dir);
}

// An id, or the newest one.
absl::StatusOr<uint32_t> IdOf(const RocksdbBackupReader& backups, const std::string& word) {
  uint32_t id = 0;
  if (absl::SimpleAtoi(word, &id) && id > 0) return id;
  if (word != "latest") {
    return absl::InvalidArgumentError(absl::StrCat(
        "`", word, "` is no backup; give an id that `nightlogctl backups` shows, or `latest`."));
  }
  const std::vector<BackupInfo> made = backups.List();
  if (made.empty()) return absl::NotFoundError("there is no backup.");
  return made.back().id;
}

void SayDamaged(const FamilyId& family, absl::string_view damage) {
  std::fprintf(stderr, "family %s: %s\n", family.hex().c_str(), std::string(damage).c_str());
}

// Checks every family and says which are damaged. DATA_LOSS if any is.
absl::Status CheckFamilies(const Engine& engine) {
  const std::unique_ptr<ReadView> view = engine.Snapshot();
  const SleepDeriver deriver;
  ASSIGN_OR_RETURN(const std::vector<FamilyId> families, FamiliesOf(*view));
  size_t repairable = 0;
  size_t lost = 0;
  for (const FamilyId& family : families) {
    const absl::StatusOr<Repair> repair = PlanRepair(*view, family, deriver, absl::Now());
    if (repair.ok() && !repair->damages.empty()) {
      ++repairable;
      SayDamaged(family, absl::StrJoin(repair->damages, ", "));
      continue;
    }
    const absl::Status status = repair.ok() ? VerifyFamily(*view, family) : repair.status();
    if (status.ok()) continue;
    ++lost;
    SayDamaged(family, status.message());
  }
  if (lost > 0) {
    return absl::DataLossError(
        absl::StrCat(lost + repairable, " of ", families.size(),
                     " families are damaged; restore the newest backup that `nightlogctl "
                     "verify` finds whole, and the phones bring back what it lacks."));
  }
  if (repairable > 0) {
    return absl::DataLossError(absl::StrCat(
        repairable, " of ", families.size(),
        " families are damaged in what follows from the rest; `nightlogctl doctor --repair` makes "
        "it again."));
  }
  std::printf("%zu families are whole\n", families.size());
  return absl::OkStatus();
}

// Makes again what can be, and says so.
absl::Status RepairFamilies(Engine& engine) {
  const std::unique_ptr<ReadView> view = engine.Snapshot();
  const SleepDeriver deriver;
  ASSIGN_OR_RETURN(const std::vector<FamilyId> families, FamiliesOf(*view));
  for (const FamilyId& family : families) {
    const absl::StatusOr<Repair> repair = PlanRepair(*view, family, deriver, absl::Now());
    // What is lost is told by the check afterwards.
    if (!repair.ok() || repair->damages.empty()) continue;
    RETURN_IF_ERROR(engine.Write(repair->batch));
    std::printf("family %s: made again: %s\n", family.hex().c_str(),
                absl::StrJoin(repair->damages, ", ").c_str());
  }
  return absl::OkStatus();
}

absl::Status ListBackups(const Options& options) {
  ASSIGN_OR_RETURN(const auto backups, OpenBackups<RocksdbBackupReader>(options));
  for (const BackupInfo& backup : backups->List()) {
    std::printf("%u  %s  %llu bytes  %s\n", backup.id,
                absl::FormatTime("%Y-%m-%dT%H:%M:%SZ", backup.made_at, absl::UTCTimeZone()).c_str(),
                static_cast<unsigned long long>(backup.bytes), backup.description.c_str());
  }
  return absl::OkStatus();
}

absl::Status RemoveFolder(const std::string& folder) {
  std::error_code error;
  std::filesystem::remove_all(folder, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(absl::StrCat("cannot remove ", folder, ": ", error.message()));
}

absl::Status VerifyBackup(const Options& options, const std::string& word) {
  ASSIGN_OR_RETURN(const auto backups, OpenBackups<RocksdbBackupReader>(options));
  ASSIGN_OR_RETURN(const uint32_t id, IdOf(*backups, word));
  // One at a time, so that what is there was left by one that was killed.
  const std::string folder = options.backup_dir + "/verify";
  const int lock = open(options.backup_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock < 0) return absl::UnavailableError(absl::StrCat("cannot open ", options.backup_dir));
  if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
    close(lock);
    return absl::FailedPreconditionError("another `nightlogctl verify` is at work; let it end.");
  }
  const auto check = [&]() -> absl::Status {
    RETURN_IF_ERROR(RemoveFolder(folder));
    RETURN_IF_ERROR(backups->Restore(id, folder));
    ASSIGN_OR_RETURN(const std::unique_ptr<RocksdbEngine> engine, OpenStoreAt(folder));
    return CheckFamilies(*engine);
  };
  const absl::Status status = check();
  const absl::Status removed = RemoveFolder(folder);
  close(lock);
  RETURN_IF_ERROR(status);
  RETURN_IF_ERROR(removed);
  std::printf("backup %u is whole\n", id);
  return absl::OkStatus();
}

// Commits to the store of a stopped server.
struct Writer {
  explicit Writer(Engine& engine)
      : committer(
            engine, feed, deriver, clock,
            [](const absl::Status& status) {
              std::fprintf(stderr, "nightlogctl: %s\n", std::string(status.message()).c_str());
              _exit(1);
            },
            Committer::Options()) {}

  SystemClock clock;
  Feed feed;
  SleepDeriver deriver;
  Committer committer;
};

absl::Status MakeBackup(const Options& options) {
  // The store first: a server that runs has the backups open, too.
  ASSIGN_OR_RETURN(const std::unique_ptr<RocksdbEngine> engine, OpenExisting(options));
  ASSIGN_OR_RETURN(const auto backups, OpenBackups<RocksdbBackups>(options));
  Writer writer(*engine);
  std::atomic<bool> stop{false};
  ASSIGN_OR_RETURN(const uint32_t id, BackUp(*engine, *backups, writer.committer, stop));
  RETURN_IF_ERROR(backups->KeepNewest(static_cast<uint32_t>(options.backups_kept)));
  std::printf("made backup %u\n", id);
  return absl::OkStatus();
}

absl::Status RestoreBackup(const Options& options, const std::string& word) {
  ASSIGN_OR_RETURN(const auto backups, OpenBackups<RocksdbBackupReader>(options));
  ASSIGN_OR_RETURN(const uint32_t id, IdOf(*backups, word));
  RETURN_IF_ERROR(backups->Restore(id, options.data_dir));
  ASSIGN_OR_RETURN(const std::unique_ptr<RocksdbEngine> engine, OpenStoreAt(options.data_dir));
  SystemRandom random;
  RETURN_IF_ERROR(BeginNewLineages(*engine, random));
  std::printf("restored backup %u into %s\n", id, options.data_dir.c_str());
  std::printf(
      "access is as it was then: owners remove again whoever they have removed since\n"
      "families that were erased since are back: `nightlogctl erase` each `family erased` of the "
      "server's log\n");
  return absl::OkStatus();
}

absl::StatusOr<FamilyId> FamilyOf(const std::string& word) {
  if (word.size() == 2 * FamilyId::kSize && absl::c_all_of(word, absl::ascii_isxdigit)) {
    const FamilyId family(absl::HexStringToBytes(word));
    if (!family.empty()) return family;
  }
  return absl::InvalidArgumentError(absl::StrCat("`", word, "` is no family; give its id, ",
                                                 2 * FamilyId::kSize, " hex digits."));
}

absl::Status EraseFamily(const Options& options, const std::string& word) {
  ASSIGN_OR_RETURN(const FamilyId family, FamilyOf(word));
  ASSIGN_OR_RETURN(const std::unique_ptr<RocksdbEngine> engine, OpenExisting(options));
  RETURN_IF_ERROR(ForgetShards(*engine));
  Writer writer(*engine);
  absl::Status erased;
  absl::Notification done;
  writer.committer.Submit(
      family,
      [&family](FamilyWriter& rows) {
        return rows.exists() ? rows.Erase()
                             : absl::NotFoundError(absl::StrCat("there is no family ", family.hex(),
                                                                "; nothing was erased."));
      },
      [&](absl::Status status) {
        erased = std::move(status);
        done.Notify();
      });
  done.WaitForNotification();
  RETURN_IF_ERROR(erased);
  std::atomic<bool> stop{false};
  RETURN_IF_ERROR(PurgeErased(*engine, writer.committer, stop).status());
  std::printf("erased family %s\nbackups that were made before hold it until they are dropped\n",
              family.hex().c_str());
  return absl::OkStatus();
}

absl::Status Doctor(const Options& options, bool repair) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RocksdbEngine> engine, OpenExisting(options));
  if (repair) RETURN_IF_ERROR(RepairFamilies(*engine));
  return CheckFamilies(*engine);
}

absl::Status PrintStats(const Options& options) {
  ASSIGN_OR_RETURN(const std::unique_ptr<RocksdbEngine> engine, OpenExisting(options));
  const std::unique_ptr<ReadView> view = engine->Snapshot();
  for (size_t column = 0; column < kColumnFamilyNames.size(); ++column) {
    uint64_t rows = 0;
    auto it = view->Scan(static_cast<Column>(column), "", "");
    for (; it->Valid(); it->Next()) ++rows;
    RETURN_IF_ERROR(it->status());
    std::printf("%-32s %llu\n", absl::StrCat("rows of ", kColumnFamilyNames.at(column)).c_str(),
                static_cast<unsigned long long>(rows));
  }
  for (const RocksdbEngine::Property& property : engine->Properties()) {
    std::printf("%-32s %llu\n", property.name.c_str(),
                static_cast<unsigned long long>(property.value));
  }
  return absl::OkStatus();
}

// The server must be able to read and write what this makes: root becomes whoever owns the data
// directory, or the one it will stand in.
absl::Status BecomeOwner(const std::string& data_dir) {
  if (geteuid() != 0) return absl::OkStatus();
  std::filesystem::path path = std::filesystem::absolute(data_dir);
  std::error_code unknown;
  while (!std::filesystem::exists(path, unknown)) path = path.parent_path();
  struct stat owner = {};
  if (stat(path.c_str(), &owner) == 0 && owner.st_uid == 0) return absl::OkStatus();
  const passwd* const user = getpwuid(owner.st_uid);
  if (user != nullptr && initgroups(user->pw_name, owner.st_gid) == 0 &&
      setgid(owner.st_gid) == 0 && setuid(owner.st_uid) == 0) {
    return absl::OkStatus();
  }
  return absl::PermissionDeniedError(
      absl::StrCat("cannot become the owner of ", path.string(), "; run it as that user."));
}

// What a command is to do.
struct Request {
  const Options& options;
  std::string id;  // of a backup, or `latest`; of a family
  bool repair;
};

struct Command {
  absl::string_view name;
  // What may follow the name: `ID`, `[ID]`, `FAMILY`, `[--repair]` or nothing.
  absl::string_view form;
  absl::string_view help;
  // What to do while a server holds the store, for a command that needs it.
  absl::string_view way_out;
  absl::Status (*run)(const Request& request);
};

constexpr absl::string_view kOneId = "ID";
constexpr absl::string_view kMaybeId = "[ID]";
constexpr absl::string_view kFamily = "FAMILY";
constexpr absl::string_view kMaybeRepair = "[--repair]";

// Every command, in the order of the help.
constexpr Command kCommands[] = {
    {"backups", "", "lists the backups, the newest last", "",
     [](const Request& request) { return ListBackups(request.options); }},
    {"verify", kMaybeId,
     "reads a backup (the latest), restores it to a folder of its own\n"
     "and checks all that is in it as `doctor` does; the server may run",
     "", [](const Request& request) { return VerifyBackup(request.options, request.id); }},
    {"backup", "",
     "makes a backup of a stopped server, keeps the newest\n"
     "--backups_kept; a running one makes one at SIGUSR1",
     "a running server makes a backup at `systemctl kill -s USR1 nightlogd`",
     [](const Request& request) { return MakeBackup(request.options); }},
    {"restore", kOneId,
     "restores a backup, or the `latest`, into --data_dir, which must\n"
     "be empty; devices push again what it lacks",
     "", [](const Request& request) { return RestoreBackup(request.options, request.id); }},
    {"doctor", kMaybeRepair,
     "checks every family of a stopped server: chain, hashes, indexes;\n"
     "with --repair makes again what is damaged and follows from the\n"
     "rest, and says which families only a backup can bring back",
     "`nightlogctl verify` checks the newest backup while a server runs",
     [](const Request& request) { return Doctor(request.options, request.repair); }},
    {"erase", kFamily,
     "erases a family, by its id, for good from a stopped server, such as\n"
     "one that was erased after the backup that was restored",
     "while a server runs, an owner erases it with `nightlog erase`",
     [](const Request& request) { return EraseFamily(request.options, request.id); }},
    {"stats", "", "counts what is in the store of a stopped server",
     "a running server has figures at its --metrics_listen",
     [](const Request& request) { return PrintStats(request.options); }},
};

// nullptr: there is none.
const Command* CommandOf(absl::string_view name) {
  const auto* const command =
      absl::c_find_if(kCommands, [name](const Command& known) { return known.name == name; });
  return command == std::end(kCommands) ? nullptr : command;
}

std::string Help() {
  constexpr size_t kHelpColumn = 31;
  std::string help = absl::StrCat(
      "nightlogctl looks after the store of nightlogd and its backups. It takes nightlogd's "
      "settings,\nfrom ",
      kDefaultConfig, " where that is and no other --config is given.\n\n");
  for (const Command& command : kCommands) {
    std::string left =
        absl::StrCat("  nightlogctl ", command.name, command.form.empty() ? "" : " ", command.form);
    if (left.size() >= kHelpColumn) {
      absl::StrAppend(&help, left, "\n");
      left.clear();
    }
    for (const absl::string_view line : absl::StrSplit(command.help, '\n')) {
      left.resize(kHelpColumn, ' ');
      absl::StrAppend(&help, left, line, "\n");
      left.clear();
    }
  }
  return absl::StrCat(help, "\n", DescribeSettings());
}

// UNIMPLEMENTED: there is no such command, or it is none with these words.
absl::Status CheckWords(const std::vector<std::string>& words) {
  if (words.empty()) {
    return absl::UnimplementedError(absl::StrCat(
        "say what to do, such as `nightlogctl doctor --data_dir=DIR`; nightlogd's settings come "
        "from --config=FILE, or else from ",
        kDefaultConfig, "; see nightlogctl --help."));
  }
  const std::string& name = words.front();
  const Command* const command = CommandOf(name);
  if (command == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("`", name, "` is not a command; see nightlogctl --help."));
  }
  if (command->form == kOneId && words.size() < 2) {
    return absl::UnimplementedError(absl::StrCat(
        "say which backup to ", name, ", such as the `latest`; see nightlogctl --help."));
  }
  if (command->form == kFamily && words.size() < 2) {
    return absl::UnimplementedError(
        absl::StrCat("say which family to ", name, ", by its id; see nightlogctl --help."));
  }
  const bool takes_id =
      command->form == kOneId || command->form == kMaybeId || command->form == kFamily;
  const size_t words_max = takes_id ? 2 : 1;
  if (words.size() <= words_max) return absl::OkStatus();
  return absl::UnimplementedError(absl::StrCat("`", name, "` does not go with `",
                                               words.at(words_max), "`; see nightlogctl --help."));
}

// REQUIRES: CheckWords() found nothing.
absl::Status Run(const CommandLine& line, bool repair) {
  const Command& command = *CommandOf(line.words.front());
  if (repair && command.form != kMaybeRepair) {
    return absl::UnimplementedError("--repair goes with `doctor`; see nightlogctl --help.");
  }
  RETURN_IF_ERROR(BecomeOwner(line.options.data_dir));
  const absl::Status status =
      command.run({line.options, line.words.size() > 1 ? line.words.at(1) : "latest", repair});
  if (!absl::IsFailedPrecondition(status) || command.way_out.empty()) return status;
  return absl::FailedPreconditionError(absl::StrCat(status.message(), "; ", command.way_out));
}

const char* ReadVariable(const char* name) {
  const char* const value = std::getenv(name);
  if (value != nullptr || std::string(name) != "NIGHTLOG_CONFIG") return value;
  std::error_code unknown;
  return std::filesystem::exists(kDefaultConfig, unknown) || unknown ? kDefaultConfig : nullptr;
}

}  // namespace
}  // namespace nightlog

int main(int argc, char* argv[]) {
  // What it writes is its user's alone.
  umask(0077);
  // The one flag that is no setting.
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const auto settings_end = std::remove(arguments.begin(), arguments.end(), "--repair");
  const bool repair = settings_end != arguments.end();
  arguments.erase(settings_end, arguments.end());
  const absl::StatusOr<nightlog::CommandLine> line =
      nightlog::ReadCommandLine(arguments, nightlog::ReadVariable, nightlog::CheckWords);
  if (line.ok() && line->help) {
    std::printf("%s", nightlog::Help().c_str());
    return 0;
  }
  if (line.ok() && line->version) {
    std::printf("nightlogctl %s\n", std::string(nightlog::Version()).c_str());
    return 0;
  }
  const absl::Status status = line.ok() ? nightlog::Run(*line, repair) : line.status();
  if (status.ok()) return 0;
  std::fprintf(stderr, "nightlogctl: %s\n", std::string(status.message()).c_str());
  return absl::IsUnimplemented(status) ? 2 : 1;
}
