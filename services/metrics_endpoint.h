#ifndef NIGHTLOG_SERVICES_METRICS_ENDPOINT_H_
#define NIGHTLOG_SERVICES_METRICS_ENDPOINT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "services/metrics.h"
#include "services/options.h"

namespace prometheus {
class Exposer;
}

namespace nightlog {

// A figure that is asked for when somebody looks.
struct GaugeReading {
  std::string name;  // without `nightlog_`
  std::string help;
  double value = 0;
};

// Serves the metrics to Prometheus over HTTP at /metrics, from its own port and threads. Nothing in
// them is of one family.
class MetricsEndpoint {
 public:
  using ReadGauges = std::function<std::vector<GaugeReading>()>;

  // Listens at `options.metrics_listen`. `metrics` and what `gauges` reads must outlive this;
  // `gauges` is called from any thread. UNAVAILABLE if it cannot listen there; the message says
  // which flag to look at.
  static absl::StatusOr<std::unique_ptr<MetricsEndpoint>> Start(const Options& options,
                                                                const Metrics& metrics,
                                                                ReadGauges gauges);
  ~MetricsEndpoint();

  // Such as `http://127.0.0.1:7413/metrics`, with the port that was bound.
  const std::string& url() const { return url_; }

 private:
  class Collector;

  MetricsEndpoint(std::shared_ptr<Collector> collector,
                  std::unique_ptr<prometheus::Exposer> exposer, std::string url);

  const std::shared_ptr<Collector> collector_;
  const std::unique_ptr<prometheus::Exposer> exposer_;
  const std::string url_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_METRICS_ENDPOINT_H_
