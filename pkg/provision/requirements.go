package provision

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/provision/blueprint"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// requirements sums what nodes need, and what the settings need beyond them. APIs and permissions are sorted, without
// repetition. Quotas count only what is to be created: the usage that the cloud tells holds the rest.
func requirements(nodes []*resources.Node, m *state.Manifest, more map[resources.Address]resources.Requirements) resources.Requirements {
	sum := resources.Requirements{Quotas: map[resources.Quota]float64{}}
	add := func(r resources.Requirements, counts bool) {
		sum.APIs, sum.Permissions = append(sum.APIs, r.APIs...), append(sum.Permissions, r.Permissions...)
		for q, amount := range r.Quotas {
			if counts {
				sum.Quotas[q] += amount
			}
		}
	}
	add(more[resources.Address{}], true)
	for _, n := range nodes {
		r, known := m.Find(n.Address.String())
		counts := !known || r.Status != state.Ready
		add(n.Require(), counts)
		add(more[n.Address], counts)
	}
	sum.APIs, sum.Permissions = distinct(sum.APIs), distinct(sum.Permissions)
	return sum
}

func distinct(list []string) []string {
	slices.Sort(list)
	return slices.Compact(list)
}

// places are those whose quotas are to be read.
func places(quotas map[resources.Quota]float64) []offer.QuotasOf {
	var out []offer.QuotasOf
	for q, amount := range quotas {
		if amount > 0 && !slices.Contains(out, offer.QuotasOf(q.Region)) {
			out = append(out, offer.QuotasOf(q.Region))
		}
	}
	slices.Sort(out)
	return out
}

// QuotaError says that a quota does not suffice for what is to be created.
type QuotaError struct {
	Quota   resources.Quota
	Has     offer.Amount
	Need    float64 // beyond what is in use
	Project string
}

// Error names quota, limit, usage and need, and what to do.
func (e *QuotaError) Error() string {
	where := "project " + e.Project
	if e.Quota.Region != "" {
		where = "region " + e.Quota.Region
	}
	return fmt.Sprintf("quota %s of %s does not suffice: limit %g, in use %g, needed %g more; ask for more at "+
		"https://console.cloud.google.com/iam-admin/quotas?project=%s, or use less, or another ZONE", e.Quota.Metric, where, e.Has.Limit, e.Has.Usage, e.Need, e.Project)
}

// Class is ClassQuota.
func (e *QuotaError) Class() resources.Class { return resources.ClassQuota }

// short compares needs with quotas. What the cloud did not tell of is left to it to refuse.
func (e *Engine) short(need map[resources.Quota]float64, have map[resources.Quota]offer.Amount) error {
	var errs []error
	for _, q := range slices.SortedFunc(maps.Keys(need), func(a, b resources.Quota) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Metric, b.Metric))
	}) {
		if has, told := have[q]; told && has.Usage+need[q] > has.Limit {
			errs = append(errs, &QuotaError{Quota: q, Has: has, Need: need[q], Project: e.Scope.Project})
		}
	}
	return errors.Join(errs...)
}

// permissions tests all that is needed: on the project first, and, for what may be granted on one thing alone, there. What cannot be asked there is a
// warning: the caller may well have it.
func (e *Engine) permissions(ctx context.Context, g *survey, cfg *config.Config, need []string) error {
	missing, err := e.Catalog.Missing(ctx, need)
	if err != nil {
		if resources.ClassOf(err) == resources.ClassDisabled { // of Resource Manager, which is a warning already
			return nil
		}
		return err
	}
	narrower := blueprint.Narrower(cfg, g.choices, g.account)
	there := map[string][]string{}
	for _, p := range missing {
		there[narrower[p]] = append(there[narrower[p]], p)
	}
	var errs []error
	for _, path := range slices.Sorted(maps.Keys(there)) {
		still := there[path]
		if path != "" {
			if still, err = e.Catalog.MissingOn(ctx, path, still); err != nil {
				if ctx.Err() != nil {
					return err
				}
				g.problems = append(g.problems, resources.Problem{
					Path: "PROJECT_ID", Value: e.Scope.Project, Severity: resources.SeverityWarning,
					Message: fmt.Sprintf("you do not have %s on the project", strings.Join(there[path], ", ")),
					Hint:    fmt.Sprintf("it may be granted on %s alone, which could not be asked (%v): if it is not, %v", path, err, e.Catalog.Denied(path, there[path])),
				})
				continue
			}
		}
		if len(still) > 0 {
			errs = append(errs, e.Catalog.Denied(path, still))
		}
	}
	return errors.Join(errs...)
}
