package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
)

// gcloud is the judge that knows nothing of this project: it lists and describes what create has made, and makes, changes and
// deletes things of its own.
func TestGcloud(t *testing.T) {
	if _, err := exec.LookPath("gcloud"); err != nil {
		t.Skip("gcloud is not installed")
	}
	if testing.Short() {
		t.Skip("every gcloud call takes more than a second")
	}
	p, err := emulator.ProfileNamed("typical")
	if err != nil {
		t.Fatal(err)
	}
	em, err := emulator.New(emulator.Options{Latency: p, TimeScale: 100})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(em)
	defer server.Close()
	env := gcloudEnv(t, server.URL)

	own := exec.Command(binary(t), "--endpoint", server.URL, "create", "--env-file", "../../examples/minimal.list",
		"--network-config", "new_network", "--external-ip", "no", "--instance-count", "2", "--show-proxy-url", "no")
	if out, err := own.CombinedOutput(); err != nil {
		t.Fatalf("create: %v: %s", err, out)
	}

	const zone, region = "--zone=us-central1-a", "--region=us-central1"
	for _, step := range []struct {
		args string
		want string // in the output; "!" in front: the command must fail
	}{
		{"compute instance-groups managed list", "demo-mig"},
		{"compute instance-groups managed describe demo-mig " + zone, "isStable: true"},
		{"compute instance-groups managed list-instances demo-mig " + zone, "demo-vm-0002"},
		{"compute instances list", "a2-highgpu-2g"},
		{"compute instance-templates list", "demo-vm-"},
		{"compute networks describe demo-net", "autoCreateSubnetworks: false"},
		{"compute networks subnets list --filter=region:us-central1", "demo-subnet"},
		{"compute firewall-rules list --filter=network~demo-net", "demo-allow-iap-ssh"},
		{"compute routers describe demo-router " + region, "ALL_SUBNETWORKS_ALL_IP_RANGES"},
		{"storage ls gs://aiinfra-terraform-my-gpu-project/demo-deployment/", "manifest.json"},

		{"compute networks create theirs --subnet-mode=custom", "theirs"},
		{"compute networks subnets create sub --network=theirs " + region + " --range=10.200.0.0/24", "10.200.0.0/24"},
		{"compute networks subnets update sub " + region + " --enable-private-ip-google-access", "Updated"},
		{"compute firewall-rules create fw --network=theirs --allow=tcp:22 --source-ranges=10.0.0.0/8", "fw"},
		{"compute firewall-rules update fw --allow=tcp:22,tcp:80", "Updated"},
		{"compute networks delete theirs", "!is already being used by"},
		{"compute instance-templates create tmpl --machine-type=e2-small --subnet=sub " + region + " --image-family=debian-12 --image-project=debian-cloud", "tmpl"},
		{"compute instance-groups managed create group " + zone + " --template=tmpl --size=2", "group"},
		{"compute instance-groups managed wait-until group " + zone + " --stable", "stable"},
		{"compute instance-groups managed resize group " + zone + " --size=1", "Updated"},
		{"compute instance-groups managed list --filter=name=group", "group"},
		{"compute instance-templates delete tmpl", "!is already being used by"},
		{"compute instance-groups managed delete group " + zone, "Deleted"},
		{"compute instance-templates delete tmpl", "Deleted"},
		{"compute firewall-rules delete fw", "Deleted"},
		{"compute networks subnets delete sub " + region, "Deleted"},
		{"compute networks delete theirs", "Deleted"},
	} {
		cmd := exec.Command("gcloud", strings.Fields(step.args)...)
		cmd.Env = env
		out, err := cmd.CombinedOutput()
		want, fails := strings.CutPrefix(step.want, "!")
		if (err != nil) != fails || !strings.Contains(string(out), want) || strings.Contains(string(out), "Some requests did not succeed") {
			t.Errorf("gcloud %s: %v\n%s", step.args, err, out)
		}
	}
}

// binary is the test binary under the program's name, as testscript.Main has set it up.
func binary(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("cluster-provision")
	if err != nil {
		path = filepath.Join(t.TempDir(), "cluster-provision")
		if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	return path
}

func gcloudEnv(t *testing.T, url string) []string {
	t.Helper()
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	if err := os.WriteFile(token, []byte("any"), 0o600); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(),
		"CLOUDSDK_CONFIG="+dir, "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE="+token, "CLOUDSDK_CORE_PROJECT=my-gpu-project",
		"CLOUDSDK_CORE_DISABLE_PROMPTS=1", "CLOUDSDK_COMPONENT_MANAGER_DISABLE_UPDATE_CHECK=1",
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE="+url+"/compute.googleapis.com/compute/v1/",
		"CLOUDSDK_API_ENDPOINT_OVERRIDES_STORAGE="+url+"/storage.googleapis.com/storage/v1/",
	)
}
