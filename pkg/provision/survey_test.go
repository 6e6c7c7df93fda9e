package provision_test

import (
	"context"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/provision/exec"
	"github.com/aiinfra/cluster-provision/pkg/provision/plan"
	"github.com/aiinfra/cluster-provision/pkg/provision/progress"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// answers answers some calls itself, with a status and a body, in place of the emulator.
type answers struct {
	next  http.RoundTripper
	say   map[string]string // part of host and path, or their end if it ends in "$" -> JSON
	code  int               // 0 is 200
	delay time.Duration
}

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	for part, body := range a.say {
		end, whole := strings.CutSuffix(part, "$")
		if where := r.URL.Host + r.URL.Path; whole && strings.HasSuffix(where, end) || strings.Contains(where, part) {
			select {
			case <-time.NewTimer(a.delay).C:
			case <-r.Context().Done():
				return nil, context.Cause(r.Context())
			}
			code := a.code
			if code == 0 {
				code = http.StatusOK
			}
			return &http.Response{
				StatusCode: code, Status: http.StatusText(code), Header: http.Header{"Content-Type": {"application/json"}},
				Body: io.NopCloser(strings.NewReader(body)), Request: r,
			}, nil
		}
	}
	return a.next.RoundTrip(r)
}

func faults(t *testing.T, rules string) *emulator.FaultPlan {
	t.Helper()
	p, err := emulator.ParseFaultPlan([]byte(`{"rules":[` + rules + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func denies(path, message string) string {
	return `{"match":{"path":"` + path + `"},"fault":{"error":{"status":403,"reason":"forbidden","message":"` + message + `"}}}`
}

const iamAPI = "iam.googleapis.com/v1/"

func TestTheCloudsWordsReachTheUser(t *testing.T) {
	const quotaProject = "The cloudresourcemanager.googleapis.com API requires a quota project, which is not set by default."
	const billing = "This API method requires billing to be enabled. Please enable billing on project #test-project by visiting https://console.developers.google.com/billing/enable?project=test-project then retry."
	for name, tc := range map[string]struct {
		rules string
		code  int
		says  []string
		not   string
	}{
		"a missing quota project":             {denies("cloudresourcemanager", quotaProject), provision.CodeDenied, []string{quotaProject}, "does not exist"},
		"billing that is off, told once":      {denies("^/compute", billing), provision.CodeFailed, []string{billing}, "does not exist"},
		"a project that cannot be seen, only": {denies("(cloudresourcemanager|serviceusage|^/compute)", "The caller does not have permission"), provision.CodeDenied, []string{"The caller does not have permission", "it does not exist, or you may not see it"}, "APIs"},
		"one read that fails hides no problem": {
			denies("/machineTypes/", "Required 'compute.machineTypes.get' permission for 'projects/test-project'") + "," + `{"match":{"path":"images/family"},"fault":{"error":{"status":404,"reason":"notFound","message":"The resource was not found"}}}`,
			provision.CodeDenied, []string{"Required 'compute.machineTypes.get' permission", "IMAGE_FAMILY_NAME=\"common-cu129-debian-12-nvidia-580\": does not exist"}, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{Faults: faults(t, tc.rules)}, func(ctx context.Context, t *testing.T, c *cloud) {
				_, err := c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t, "IMAGE_FAMILY_NAME=common-cu129-debian-12-nvidia-580"), nil)
				if provision.ExitCode(err) != tc.code {
					t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
				}
				for _, s := range tc.says {
					if err == nil || strings.Count(err.Error(), s) != 1 {
						t.Errorf("%q is not said once: %v", s, err)
					}
				}
				if tc.not != "" && err != nil && strings.Contains(err.Error(), tc.not) {
					t.Errorf("it says %q: %v", tc.not, err)
				}
				if changed := c.changes(); len(changed) > 0 {
					t.Errorf("it has changed something: %v", changed)
				}
			})
		})
	}
}

func TestResourceManagerBeingOffIsAWarning(t *testing.T) {
	inWorld(t, emulator.Options{Disabled: []string{"cloudresourcemanager.googleapis.com"}}, func(ctx context.Context, t *testing.T, c *cloud) {
		warned, err := c.engine(ctx, c.em.Transport(), 1).Validate(ctx, settings(t))
		if err != nil || !strings.Contains(warned.Error(), "gcloud services enable cloudresourcemanager.googleapis.com --project="+project) {
			t.Errorf("%v; %v", warned, err)
		}
		create(ctx, t, c)
		destroy(ctx, t, c)
	})
}

// What is cut off was not answered, even if the reason for which it was cut off reads like an answer.
func TestAnInterruptedSurveyMakesNothingUp(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		ctx, cancel := context.WithCancelCause(ctx)
		go func() { waitVirtual(1); cancel(resources.ErrNotFound) }() // net/http fails with the cause
		slow := answers{next: c.em.Transport(), delay: 5 * time.Second, say: map[string]string{"/compute/v1/": `{}`}}
		_, err := c.engine(ctx, slow, 1).Plan(ctx, settings(t))
		err = provision.Interrupted(err, false) // as main marks it after a signal
		if provision.ExitCode(err) != provision.CodeInterrupted || strings.Contains(err.Error(), "does not exist") {
			t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
		}
	})
}

// customNetwork makes a custom-mode network "default" with the given subnetworks in the region.
func (c *cloud) customNetwork(ctx context.Context, t *testing.T, subnetworks ...string) {
	t.Helper()
	c.post(ctx, t, "global/networks", `{"name":"default","autoCreateSubnetworks":false}`)
	for _, s := range subnetworks {
		c.customSubnetwork(ctx, t, s)
	}
}

func (c *cloud) customSubnetwork(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	c.post(ctx, t, "regions/us-central1/subnetworks", `{"name":"`+name+`","network":"projects/`+project+`/global/networks/default","ipCidrRange":"10.`+name[1:]+`.0.0/20"}`)
}

func TestACustomModeDefaultNetwork(t *testing.T) {
	inWorld(t, emulator.Options{NoDefaultNetwork: []string{project}}, func(ctx context.Context, t *testing.T, c *cloud) {
		c.customNetwork(ctx, t, "s5")
		create(ctx, t, c)
		m, _, err := c.engine(ctx, c.em.Transport(), 1).Store.Load(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if at := slices.IndexFunc(m.Resources, func(r state.Record) bool { return r.Kind() == "instancetemplate" }); at < 0 || !strings.Contains(string(m.Resources[at].Inputs), `regions/us-central1/subnetworks/s5`) {
			t.Error("the template does not name the subnetwork")
		}
		c.customSubnetwork(ctx, t, "s6")
		if again := create(ctx, t, c); !again.Nothing {
			t.Errorf("a second subnetwork changes the first deployment: %s", again.Summary)
		}
		if again := create(ctx, t, c, "INSTANCE_COUNT=2"); len(again.Steps) != 1 {
			t.Errorf("a second subnetwork rolls the VMs: %s", again.Summary)
		}
		if _, err := c.engine(ctx, c.em.Transport(), 1).Validate(ctx, settings(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestSeveralSubnetworksWantAChoice(t *testing.T) {
	inWorld(t, emulator.Options{NoDefaultNetwork: []string{project}}, func(ctx context.Context, t *testing.T, c *cloud) {
		c.customNetwork(ctx, t, "s5", "s6")
		_, err := c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t), nil)
		if provision.ExitCode(err) != provision.CodeUsage || !strings.Contains(err.Error(), "s5, s6; choose one, for example with SUBNETWORK=s5") {
			t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
		}
		cfg := settings(t)
		cfg.Subnetwork = "s6"
		if _, err := c.engine(ctx, c.em.Transport(), 1).Create(ctx, cfg, nil); err != nil {
			t.Error(err)
		}
	})
}

func TestTheImageStaysUntilItIsUpgraded(t *testing.T) {
	const family = "common-cu129-debian-12-nvidia-580"
	const newer = "common-cu129-ubuntu-2404-nvidia-580-v20260818" // stands for a later image of the family
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		own := []string{"IMAGE_FAMILY_NAME=" + family}
		create(ctx, t, c, own...)
		later := answers{next: c.em.Transport(), say: map[string]string{
			"images/family/" + family: `{"name":"` + newer + `","selfLink":"https://www.googleapis.com/compute/v1/projects/ml-images/global/images/` + newer + `"}`,
		}}
		for _, more := range [][]string{nil, {"INSTANCE_COUNT=2"}} {
			e, said := c.engine(ctx, later, 1), &notices{}
			e.Printer = said
			p, err := e.Plan(ctx, settings(t, append(more, own...)...))
			if err != nil || len(p.Steps) != len(more) {
				t.Fatalf("the plan rolls the VMs: %v", err)
			}
			if !strings.Contains(said.String(), newer) || !strings.Contains(said.String(), "create --upgrade-image") {
				t.Errorf("the newer image is not told: %s", said)
			}
		}
		e := c.engine(ctx, later, 1)
		e.UpgradeImage = true
		report, err := e.Create(ctx, settings(t, own...), nil)
		if err != nil || !slices.ContainsFunc(report.Steps, func(s provision.StepReport) bool {
			return strings.HasPrefix(s.ID, string(plan.Create)+" instancetemplate/")
		}) {
			t.Fatalf("the upgrade makes no template: %v", err)
		}
		again, err := c.engine(ctx, c.em.Transport(), 1).Create(ctx, settings(t, own...), nil) // the older one is the newest again
		if err != nil || !again.Nothing {
			t.Errorf("the upgraded image does not stay: %v", err)
		}
		destroy(ctx, t, c)
	})
}

func TestAServiceAccountThatVMsCannotUse(t *testing.T) {
	const mine = "vm@test-project.iam.gserviceaccount.com"
	for name, tc := range map[string]struct {
		given, path, body string
		status            int
		code              int
		says              string
	}{
		"there":            {mine, "test-project/serviceAccounts/" + mine, `{"email":"` + mine + `"}`, 200, provision.CodeDone, ""},
		"disabled":         {mine, "test-project/serviceAccounts/" + mine, `{"email":"` + mine + `","disabled":true}`, 200, provision.CodeUsage, "gcloud iam service-accounts enable " + mine},
		"absent":           {mine, "test-project/serviceAccounts/" + mine, `{"error":{"code":404,"message":"Unknown service account","status":"NOT_FOUND"}}`, 404, provision.CodeUsage, "does not exist"},
		"default, absent":  {"default", "test-project/serviceAccounts/", `{"error":{"code":404,"message":"Unknown service account","status":"NOT_FOUND"}}`, 404, provision.CodeUsage, "-compute@developer.gserviceaccount.com"},
		"not to be looked": {mine, "test-project/serviceAccounts/" + mine, `{"error":{"code":403,"message":"Permission 'iam.serviceAccounts.get' denied","status":"PERMISSION_DENIED"}}`, 403, provision.CodeDone, "Permission 'iam.serviceAccounts.get' denied"},
		"not served":       {mine, "test-project/serviceAccounts/" + mine, `{"error":{"code":501,"message":"not emulated"}}`, 501, provision.CodeDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				rt := answers{next: c.em.Transport(), code: tc.status, say: map[string]string{iamAPI + "projects/" + tc.path: tc.body}}
				warned, err := c.engine(ctx, rt, 1).Validate(ctx, settings(t, "SERVICE_ACCOUNT="+tc.given))
				said := warned.Error()
				if err != nil {
					said += err.Error()
				}
				if provision.ExitCode(err) != tc.code || !strings.Contains(said, tc.says) || tc.says == "" && strings.Contains(said, "SERVICE_ACCOUNT") {
					t.Errorf("exit code %d: %s", provision.ExitCode(err), said)
				}
			})
		})
	}
}

func TestQuotasThatDoNotSuffice(t *testing.T) {
	region := func(metric, limit, usage string) map[string]string {
		return map[string]string{"projects/" + project + "/regions/us-central1$": `{"name":"us-central1","quotas":[{"metric":"` + metric + `","limit":` + limit + `,"usage":` + usage + `}]}`}
	}
	for name, tc := range map[string]struct {
		quotas map[string]string
		more   []string
		code   int
		says   string
	}{
		"GPUs of the region": {region("NVIDIA_A100_GPUS", "16", "14"), []string{"INSTANCE_COUNT=2"}, provision.CodeCapacity, "quota NVIDIA_A100_GPUS of region us-central1 does not suffice: limit 16, in use 14, needed 4 more"},
		"just enough":        {region("NVIDIA_A100_GPUS", "16", "12"), []string{"INSTANCE_COUNT=2"}, provision.CodeDone, ""},
		"disks":              {region("SSD_TOTAL_GB", "3000", "0"), []string{"INSTANCE_COUNT=2"}, provision.CodeCapacity, "needed 4000 more"},
		"no addresses taken": {region("IN_USE_ADDRESSES", "1", "0"), []string{"INSTANCE_COUNT=2", "EXTERNAL_IP=no"}, provision.CodeDone, ""},
		"GPUs of the project": {
			map[string]string{"compute/v1/projects/" + project + "$": `{"quotas":[{"metric":"GPUS_ALL_REGIONS","limit":1,"usage":0}]}`}, nil, provision.CodeCapacity,
			"quota GPUS_ALL_REGIONS of project " + project + " does not suffice: limit 1, in use 0, needed 2 more",
		},
		"not to be looked at": {map[string]string{"/regions/us-central1$": `{}`}, nil, provision.CodeDone, ""},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				rt := answers{next: c.em.Transport(), say: tc.quotas}
				for action, err := range map[string]error{
					"validate": second(c.engine(ctx, rt, 1).Validate(ctx, settings(t, tc.more...))),
					"plan":     second(c.engine(ctx, rt, 1).Plan(ctx, settings(t, tc.more...))),
				} {
					if provision.ExitCode(err) != tc.code || err != nil && !strings.Contains(err.Error(), tc.says) {
						t.Errorf("%s: exit code %d: %v", action, provision.ExitCode(err), err)
					}
				}
			})
		})
	}
}

func second[T any](_ T, err error) error { return err }

// What has been made is in the usage already: it needs nothing more.
func TestQuotasAreNotAskedForWhatIsThere(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		create(ctx, t, c)
		rt := answers{next: c.em.Transport(), say: map[string]string{"/regions/us-central1$": `{"quotas":[{"metric":"NVIDIA_A100_GPUS","limit":2,"usage":2}]}`}}
		if _, err := c.engine(ctx, rt, 1).Validate(ctx, settings(t)); err != nil {
			t.Error(err)
		}
	})
}

func TestPermissionsThatMayBeGrantedElsewhere(t *testing.T) {
	const account = "vm@test-project.iam.gserviceaccount.com"
	for name, tc := range map[string]struct {
		denied string
		say    map[string]string
		more   []string
		code   int
		says   string
	}{
		"granted on the account":             {"iam.serviceAccounts.actAs", map[string]string{account + ":testIamPermissions": `{"permissions":["iam.serviceAccounts.actAs"]}`}, nil, provision.CodeDone, ""},
		"granted nowhere":                    {"iam.serviceAccounts.actAs", map[string]string{account + ":testIamPermissions": `{}`}, nil, provision.CodeDenied, "--role=roles/iam.serviceAccountUser"},
		"granted on the subnetwork":          {"compute.subnetworks.use", map[string]string{"/subnetworks/default/testIamPermissions": `{"permissions":["compute.subnetworks.use"]}`}, nil, provision.CodeDone, ""},
		"not granted on the subnetwork":      {"compute.subnetworks.useExternalIp", map[string]string{"/subnetworks/default/testIamPermissions": `{}`}, nil, provision.CodeDenied, "compute.subnetworks.useExternalIp"},
		"external addresses are not wanted":  {"compute.subnetworks.useExternalIp", nil, []string{"EXTERNAL_IP=no"}, provision.CodeDone, ""},
		"on our own network, project's only": {"compute.subnetworks.use", nil, []string{"NETWORK_CONFIG=new_network"}, provision.CodeDenied, "compute.subnetworks.use"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{Denied: []string{tc.denied}}, func(ctx context.Context, t *testing.T, c *cloud) {
				rt := answers{next: answers{next: c.em.Transport(), say: map[string]string{iamAPI: `{}`}}, say: tc.say}
				warned, err := c.engine(ctx, rt, 1).Validate(ctx, settings(t, append(tc.more, "SERVICE_ACCOUNT="+account)...))
				if provision.ExitCode(err) != tc.code || err != nil && !strings.Contains(err.Error(), tc.says) || strings.Contains(warned.Error(), tc.denied) {
					t.Errorf("exit code %d: %v; %v", provision.ExitCode(err), warned, err)
				}
			})
		})
	}
}

// Where the cloud does not say whether a permission is granted on the account alone, it is a doubt.
func TestAPermissionThatCannotBeAskedForIsADoubt(t *testing.T) {
	inWorld(t, emulator.Options{Denied: []string{"iam.serviceAccounts.actAs"}}, func(ctx context.Context, t *testing.T, c *cloud) {
		rt := answers{next: answers{next: c.em.Transport(), say: map[string]string{iamAPI: `{}`}}, code: 501, say: map[string]string{
			"iam.gserviceaccount.com:testIamPermissions": `{"error":{"code":501,"message":"not emulated"}}`,
		}}
		warned, err := c.engine(ctx, rt, 1).Validate(ctx, settings(t, "SERVICE_ACCOUNT=vm@test-project.iam.gserviceaccount.com"))
		if err != nil || !strings.Contains(warned.Error(), "you do not have iam.serviceAccounts.actAs on the project; it may be granted on projects/-/serviceAccounts/vm@") {
			t.Errorf("%v; %v", warned, err)
		}
	})
}

// Each thing is asked once, and a deployment that is as it should be asks for nothing but a newer image.
func TestWhatASurveyCalls(t *testing.T) {
	for name, tc := range map[string]struct {
		more  []string
		first int // reads of a plan before anything is there
		again int // of one that finds nothing to do, what it reads of the resources themselves included
	}{
		"default network": {[]string{"IMAGE_FAMILY_NAME=common-cu129-debian-12-nvidia-580"}, 10 + 2, 3 + 3},
		"new network":     {[]string{"IMAGE_FAMILY_NAME=common-cu129-debian-12-nvidia-580", "NETWORK_CONFIG=new_network"}, 11 + 6, 3 + 7},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				calls := func() ([]string, time.Duration) {
					n := len(c.made())
					start := time.Now()
					if _, err := c.engine(ctx, c.em.Transport(), 1).Plan(ctx, settings(t, tc.more...)); err != nil {
						t.Fatal(err)
					}
					return c.made()[n:], time.Since(start)
				}
				check := func(when string, most int) {
					list, took := calls()
					slices.Sort(list)
					if len(list) > most || len(slices.Compact(slices.Clone(list))) != len(list) {
						t.Errorf("%s: %d calls, at most %d, each once:\n%s", when, len(list), most, strings.Join(list, "\n"))
					}
					t.Logf("%s: %d calls in %s", when, len(list), took)
				}
				check("nothing there", tc.first)
				create(ctx, t, c, tc.more...)
				check("all there", tc.again)
			})
		})
	}
}

func (c *cloud) made() []string {
	c.tb.Helper()
	list, err := c.em.Calls()
	if err != nil {
		c.tb.Fatal(err)
	}
	out := make([]string, len(list))
	for i, call := range list {
		out[i] = call.Method + " " + call.Path
	}
	return out
}

// notices is a printer that keeps what is said.
type notices struct{ strings.Builder }

func (n *notices) Event(exec.Event)                  {}
func (n *notices) Notice(_ progress.Level, s string) { n.WriteString(s + "\n") }
func (n *notices) Detail(string, string)             {}
func (n *notices) Close()                            {}
