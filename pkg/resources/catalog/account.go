package catalog

import (
	"context"
	"strings"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/gcp"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

// defaultAccount is the setting's word for Compute Engine's own service account of the project.
const defaultAccount = "default"

// account looks whether a service account is there and enabled. Whoever may attach one to a VM need not be allowed to look at
// it, and the API may be off: neither is an error.
func (l *look) account(ctx context.Context) error {
	email, path := l.q.ServiceAccount, accountPath(l.q.ServiceAccount)
	if email == defaultAccount {
		<-l.seen // its name has the project's number; project closes it whatever happens
		if l.number == "" {
			return nil
		}
		email = l.number + "-compute@developer.gserviceaccount.com"
		path = "projects/" + l.scope.Project + "/serviceAccounts/" + email
	}
	found := offer.Account{Email: email}
	got, err := l.c.ServiceAccounts.Get(path).Context(ctx).Do()
	err = gcp.Wrap(l.id(), err)
	switch class := resources.ClassOf(err); {
	case err == nil:
		found.Disabled = got.Disabled
	case class == resources.ClassNotFound && ctx.Err() == nil:
		found.Absent = true
	case class == resources.ClassDenied:
		found.Unread = err.Error()
	case notTold(err):
		return nil
	default:
		return err
	}
	l.answer(func() { l.ServiceAccount = &found })
	return nil
}

// accountPath names the account's own project where its address tells it. The wildcard "-" is for the rest only: with it an
// account that does not exist is 403, not 404 (iam/v1 discovery document, projects.serviceAccounts.get).
func accountPath(email string) string {
	project := "-"
	_, domain, _ := strings.Cut(email, "@")
	if p, ok := strings.CutSuffix(domain, ".iam.gserviceaccount.com"); ok && !strings.Contains(p, ".") {
		project = p
	}
	return "projects/" + project + "/serviceAccounts/" + email
}
