package catalog

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

// Catalog answers questions about one project and zone.
type Catalog struct {
	c     *gcp.Clients
	scope resources.Scope
}

// New gives the catalog of a scope.
func New(c *gcp.Clients, scope resources.Scope) *Catalog { return &Catalog{c, scope} }

// Look asks all that the query holds, side by side, and joins the errors; equal causes are told once. A project that cannot be
// seen is the only error then, since all others would be its echo. A disabled API that the answer names is no error beside it.
func (c *Catalog) Look(ctx context.Context, q offer.Query) (*offer.Answer, error) {
	l := &look{Catalog: c, q: q, seen: make(chan struct{})}
	l.RangesRead = q.Ranges     // until one of its two questions fails
	l.ask(true, l.project, ctx) // always: it closes seen
	l.ask(len(q.APIs) > 0, l.services, ctx)
	l.ask(q.Machine != "", l.machine, ctx)
	l.ask(q.Image != offer.ImageQuery{}, l.image, ctx)
	l.ask(q.Network != "", l.network, ctx)
	l.ask(q.Ranges, l.subnetworkRanges, ctx)
	l.ask(q.Ranges, l.routeRanges, ctx)
	l.ask(q.ServiceAccount != "", l.account, ctx)
	for _, of := range q.Quotas {
		l.ask(true, func(ctx context.Context) error { return l.quotas(ctx, of) }, ctx)
	}
	l.wait.Wait()
	if l.unseen != nil {
		return &l.Answer, l.unseen
	}
	return &l.Answer, l.failures()
}

// look is one run of questions. Its answer is written under the mutex, which is never held over a call.
type look struct {
	*Catalog
	q    offer.Query
	wait sync.WaitGroup

	mu sync.Mutex
	offer.Answer
	unseen error
	errs   []error

	number string        // of the project, readable after seen is closed; empty when it could not be read
	seen   chan struct{} // closed when the project was looked at
}

func (l *look) ask(wanted bool, question func(context.Context) error, ctx context.Context) { //nolint:revive // the context last reads better in a list of questions
	if !wanted {
		return
	}
	l.wait.Go(func() {
		err := gcp.Wrap(l.id(), gcp.CutOff(ctx, gcp.LastWords(ctx, question)))
		l.answer(func() { l.errs = append(l.errs, err) })
	})
}

// answer writes into the answer.
func (l *look) answer(write func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	write()
}

// id is what errors are about: one name for all, so that equal causes read equally.
func (c *Catalog) id() resources.ID { return resources.ID("projects/" + c.scope.Project) }

// failures joins the errors. A problem that names a disabled API speaks for all calls that failed because of one.
func (l *look) failures() error {
	told := map[string]bool{}
	var out []error
	for _, err := range l.errs {
		if err == nil || told[resources.Cause(err.Error())] || resources.ClassOf(err) == resources.ClassDisabled && l.Problems.Err() != nil {
			continue
		}
		told[resources.Cause(err.Error())] = true
		out = append(out, err)
	}
	l.Problems = slices.DeleteFunc(l.Problems, func(p resources.Problem) bool { return told[resources.Cause(p.Hint)] }) // a warning that echoes an error
	return errors.Join(out...)
}

// absent says whether an answer of Compute Engine says that the very thing asked for is not there: not that its project is not,
// and not what another call's failure made of this one.
func (c *Catalog) absent(ctx context.Context, err error) bool {
	if ctx.Err() != nil || resources.ClassOf(gcp.Wrap("", err)) != resources.ClassNotFound {
		return false
	}
	return !strings.Contains(err.Error(), "'projects/"+c.scope.Project+"'") // "The resource 'projects/P' was not found"
}

// notTold says that an API does not serve a question: it is off, or the endpoint does not know it. Nothing follows from that.
func notTold(err error) bool {
	var said *gcp.Error
	return resources.ClassOf(err) == resources.ClassDisabled || errors.As(err, &said) && said.Code == "501"
}
