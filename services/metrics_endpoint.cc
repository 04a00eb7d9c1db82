#include "services/metrics_endpoint.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <exception>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/core/status_macros.h"
#include "storage/core/version.h"

namespace nightlog {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr size_t kThreads = 1;
constexpr double kSecondsPerNano = 1e-9;

MetricFamily FamilyOf(absl::string_view name, absl::string_view help, MetricType type) {
  return {absl::StrCat("nightlog_", name), std::string(help), type, {}};
}

ClientMetric OfMethod(const std::string& path) {
  ClientMetric metric;
  metric.label.push_back({"method", path});
  return metric;
}

MetricFamily CounterFamily(absl::string_view name, absl::string_view help, const Counter& counter) {
  MetricFamily family = FamilyOf(name, help, MetricType::Counter);
  family.metric.emplace_back().counter.value = static_cast<double>(counter.value());
  return family;
}

MetricFamily GaugeFamily(absl::string_view name, absl::string_view help, double value) {
  MetricFamily family = FamilyOf(name, help, MetricType::Gauge);
  family.metric.emplace_back().gauge.value = value;
  return family;
}

// `scale` is the value's small unit.
void SetHistogram(const Histogram& histogram, double scale, ClientMetric& metric) {
  const std::vector<uint64_t> counts = histogram.CumulativeCounts();
  for (size_t i = 0; i < histogram.bounds().size(); ++i) {
    metric.histogram.bucket.push_back(
        {counts.at(i), static_cast<double>(histogram.bounds().at(i)) * scale});
  }
  metric.histogram.sample_count = counts.back();
  metric.histogram.sample_sum = static_cast<double>(histogram.sum()) * scale;
}

MetricFamily HistogramFamily(absl::string_view name, absl::string_view help,
                             const Histogram& histogram, double scale) {
  MetricFamily family = FamilyOf(name, help, MetricType::Histogram);
  SetHistogram(histogram, scale, family.metric.emplace_back());
  return family;
}

}  // namespace

class MetricsEndpoint::Collector final : public prometheus::Collectable {
 public:
  Collector(const Metrics& metrics, ReadGauges gauges)
      : metrics_(metrics), gauges_(std::move(gauges)) {}

  std::vector<MetricFamily> Collect() const override {
    std::vector<MetricFamily> families;
    families.push_back(GaugeFamily("build_info", "1; its label is the version that serves", 1));
    families.back().metric.back().label.push_back({"version", std::string(Version())});
    AddMethods(families);
    families.push_back(HistogramFamily("commit_seconds",
                                       "From a batch's first read until it is on disk",
                                       metrics_.commit_took, kSecondsPerNano));
    families.push_back(HistogramFamily("commit_operations", "Operations in one batch",
                                       metrics_.commit_operations, 1));
    families.push_back(
        CounterFamily("conflicts_total", "Edits that left a conflict", metrics_.conflicts));
    families.push_back(
        CounterFamily("backups_made_total", "Backups made and verified", metrics_.backups_made));
    families.push_back(
        CounterFamily("backups_failed_total", "Backups that failed", metrics_.backups_failed));
    families.push_back(GaugeFamily("backup_made_timestamp_seconds",
                                   "When the newest backup was made; 0: there is none",
                                   static_cast<double>(metrics_.backup_made_at.value())));
    families.push_back(GaugeFamily("backup_every_seconds",
                                   "How often a backup is to be made; 0: never by itself",
                                   static_cast<double>(metrics_.backup_every_seconds.value())));
    families.push_back(GaugeFamily("certificate_end_timestamp_seconds",
                                   "When the certificate ends to be valid; 0: there is none",
                                   static_cast<double>(metrics_.certificate_end.value())));
    for (const GaugeReading& reading : gauges_()) {
      families.push_back(GaugeFamily(reading.name, reading.help, reading.value));
    }
    return families;
  }

 private:
  void AddMethods(std::vector<MetricFamily>& families) const {
    MetricFamily calls = FamilyOf("calls_total", "Calls that ended", MetricType::Counter);
    MetricFamily took =
        FamilyOf("call_seconds", "From a unary call until its answer", MetricType::Histogram);
    MetricFamily open = FamilyOf("open_streams", "Streams that are open", MetricType::Gauge);
    MetricFamily lag = FamilyOf("stream_lag_seconds",
                                "From something to send until a stream handed it to its door",
                                MetricType::Histogram);
    for (const auto& [path, method] : metrics_.methods()) {
      for (size_t code = 0; code < method->ended.size(); ++code) {
        // Zeros too: of a series that begins with its first failure, no increase is seen.
        ClientMetric metric = OfMethod(path);
        metric.label.push_back(
            {"code", absl::StatusCodeToString(static_cast<absl::StatusCode>(code))});
        metric.counter.value = static_cast<double>(method->ended.at(code).value());
        calls.metric.push_back(std::move(metric));
      }
      if (method->is_stream) {
        open.metric.push_back(OfMethod(path));
        open.metric.back().gauge.value = static_cast<double>(method->open_streams.value());
        lag.metric.push_back(OfMethod(path));
        SetHistogram(method->lag, kSecondsPerNano, lag.metric.back());
      } else {
        took.metric.push_back(OfMethod(path));
        SetHistogram(method->took, kSecondsPerNano, took.metric.back());
      }
    }
    for (MetricFamily* family : {&calls, &took, &open, &lag}) {
      families.push_back(std::move(*family));
    }
  }

  const Metrics& metrics_;
  const ReadGauges gauges_;
};

MetricsEndpoint::MetricsEndpoint(std::shared_ptr<Collector> collector,
                                 std::unique_ptr<prometheus::Exposer> exposer, std::string url)
    : collector_(std::move(collector)), exposer_(std::move(exposer)), url_(std::move(url)) {}

MetricsEndpoint::~MetricsEndpoint() = default;

absl::StatusOr<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::Start(const Options& options,
                                                                        const Metrics& metrics,
                                                                        ReadGauges gauges) {
  ASSIGN_OR_RETURN(ListenAddress listen,
                   ParseListenAddress(options.metrics_listen, "--metrics_listen"));
  if (listen.host == "localhost") listen.host = "127.0.0.1";  // civetweb knows no names
  std::unique_ptr<prometheus::Exposer> exposer;
  try {
    exposer = std::make_unique<prometheus::Exposer>(FormatListenAddress(listen), kThreads);
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat(
        "cannot listen at --metrics_listen=", options.metrics_listen, ": ", error.what()));
  }
  listen.port = exposer->GetListeningPorts().front();
  auto collector = std::make_shared<Collector>(metrics, std::move(gauges));
  exposer->RegisterCollectable(collector);
  return std::unique_ptr<MetricsEndpoint>(
      new MetricsEndpoint(std::move(collector), std::move(exposer),
                          absl::StrCat("http://", FormatListenAddress(listen), "/metrics")));
}

}  // namespace nightlog
