#ifndef NIGHTLOG_SERVICES_OBSERVED_METHODS_H_
#define NIGHTLOG_SERVICES_OBSERVED_METHODS_H_

#include "services/log.h"
#include "services/methods.h"

namespace nightlog {

// The same methods, whose calls are observed, whichever door they come in by: what fails for a
// reason of the server's own (INTERNAL, UNKNOWN, DATA_LOSS) is logged. Both must outlive what is
// returned.
Methods ObserveMethods(const Methods& methods, const Log& log);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_OBSERVED_METHODS_H_
