package cloud

import (
	"fmt"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/wire"
	"github.com/aiinfra/cluster-provision/pkg/emulator/world"
)

// BillingAccount is the only billing account there is. Projects that were not made are billed to it.
const BillingAccount = "billingAccounts/000000-000000-000000"

// Billing gives the account that a project is billed to; "" when billing is off.
func Billing(tx *world.Tx, project string) string {
	if o, ok := tx.Get("billing/" + project); ok {
		return doc.Str(o.Note, "account")
	}
	return BillingAccount
}

// PutBilling has a project billed to an account, or to none.
func PutBilling(tx *world.Tx, project, account string) {
	tx.Put(&world.Object{Name: "billing/" + project, Note: map[string]any{"account": account}})
}

// CheckBilled refuses a call of an API that must be paid for where billing is off (public reports of the words, and of the
// reason BILLING_DISABLED: many projects' error handlers).
func CheckBilled(tx *world.Tx, project, api string) error {
	if Billing(tx, project) != "" {
		return nil
	}
	link := "https://console.developers.google.com/billing/enable?project=" + project
	return wire.APIError{
		Code: 403, Reason: "forbidden",
		Message: fmt.Sprintf("This API method requires billing to be enabled. Please enable billing on project #%s by visiting %s then retry. "+
			"If you enabled billing for this project recently, wait a few minutes for the action to propagate to our systems and retry.", project, link),
		Details: []doc.Map{
			Help("Google developers console billing", link),
			ErrorInfo("BILLING_DISABLED", "googleapis.com", doc.Map{"service": api, "consumer": "projects/" + project}),
		},
	}
}
