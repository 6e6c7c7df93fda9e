package gcp

import (
	"encoding/json"
	"fmt"
	"os"
)

// complete says what a file of credentials lacks; the library finds out only when the first token is fetched. Credentials
// without a file, of a VM's metadata server, are complete.
func complete(raw []byte) error {
	if len(raw) == 0 {
		return nil
	}
	var have map[string]any
	if err := json.Unmarshal(raw, &have); err != nil {
		return fmt.Errorf("it is no JSON: %w", err)
	}
	need := map[string][]string{ // fields as gcloud writes them
		"service_account": {"client_email", "private_key"},
		"authorized_user": {"client_id", "client_secret", "refresh_token"},
	}
	kind, _ := have["type"].(string)
	for _, field := range need[kind] {
		if s, _ := have[field].(string); s == "" {
			return fmt.Errorf("field %q of a file of type %s is missing", field, kind)
		}
	}
	return nil
}

// quotaProject is the project that quotas are counted in, as Google's libraries find it.
func quotaProject(raw []byte) string {
	if p := os.Getenv("GOOGLE_CLOUD_QUOTA_PROJECT"); p != "" {
		return p
	}
	var file struct {
		QuotaProject string `json:"quota_project_id"`
	}
	if json.Unmarshal(raw, &file) != nil {
		return ""
	}
	return file.QuotaProject
}
