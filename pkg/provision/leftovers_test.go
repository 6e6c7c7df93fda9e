package provision_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/resources/gce"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// storage makes a call of Cloud Storage as somebody else would.
func (c *cloud) storage(ctx context.Context, t *testing.T, method, path, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, "https://storage.googleapis.com"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/octet-stream")
	resp, err := c.em.Transport().RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %s", method, path, resp.Status)
	}
}

const bucket = "aiinfra-terraform-" + project

func (c *cloud) upload(ctx context.Context, t *testing.T, name string) {
	t.Helper()
	c.storage(ctx, t, http.MethodPost, "/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name="+url.QueryEscape(name), "theirs")
}

// loseManifest removes the manifest, and with it all that is recorded.
func (c *cloud) loseManifest(ctx context.Context, t *testing.T) {
	t.Helper()
	waitVirtual(2) // a bucket takes one change a second of one object
	c.storage(ctx, t, http.MethodDelete, "/storage/v1/b/"+bucket+"/o/"+url.QueryEscape("demo-deployment/manifest.json"), "")
}

// loseBucket removes the bucket with all that is in it.
func (c *cloud) loseBucket(ctx context.Context, t *testing.T) {
	t.Helper()
	c.loseManifest(ctx, t)
	for _, name := range c.left() {
		if _, old, ok := strings.Cut(name, "/old/"); ok {
			path, generation, _ := strings.Cut(old, "@")
			c.storage(ctx, t, http.MethodDelete, "/storage/v1/b/"+bucket+"/o/"+path+"?generation="+generation, "")
		}
	}
	c.storage(ctx, t, http.MethodDelete, "/storage/v1/b/"+bucket, "")
}

// template is the name of our template.
func (c *cloud) template() string {
	c.tb.Helper()
	for _, name := range c.left() {
		if _, base, ok := strings.Cut(name, "/instanceTemplates/"); ok {
			return "global/instanceTemplates/" + base
		}
	}
	return ""
}

// A VM that somebody has made from our template carries our label and costs money: destroy never says that none is left.
func TestAStrangersVMFromOurTemplateIsNamed(t *testing.T) {
	for _, zone := range []string{zoneA, zoneC, "us-east1-b"} {
		t.Run(zone, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				create(ctx, t, c)
				c.post(ctx, t, "zones/"+zone+"/instances?sourceInstanceTemplate="+c.template(), `{"name":"by-hand","networkInterfaces":[{"network":"global/networks/default"}]}`)
				e := c.engine(ctx, c.em.Transport(), 1)
				heard := &listener{}
				e.Printer = heard
				_, err := e.Destroy(ctx, nil)
				named(t, err, "zones/"+zone+"/instances/by-hand", "gcloud compute instances delete by-hand --zone="+zone+" --project="+project,
					"gcloud compute disks delete by-hand --zone="+zone+" --project="+project)
				if said := strings.Join(heard.said(), "\n"); strings.Contains(said, "found none") {
					t.Errorf("it says: %s", said)
				}
				if _, _, err := e.Store.Holder(ctx); err == nil {
					t.Error("the lease is held on")
				}
				c.remove(ctx, t, "projects/"+project+"/zones/"+zone+"/instances/by-hand")
				destroy(ctx, t, c)
			})
		})
	}
}

func named(t *testing.T, err error, wants ...string) {
	t.Helper()
	if provision.ExitCode(err) != provision.CodePartial {
		t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
		return
	}
	for _, want := range wants {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
}

func TestALeftoverDiskIsNamed(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		create(ctx, t, c)
		e := c.engine(ctx, c.em.Transport(), 1)
		c.post(ctx, t, "zones/us-central1-a/instances", fmt.Sprintf(`{"name":"by-hand","labels":{"aiinfra-cluster":%[1]q},"machineType":"zones/us-central1-a/machineTypes/n1-standard-1",
			"disks":[{"boot":true,"autoDelete":false,"initializeParams":{"labels":{"aiinfra-cluster":%[1]q},"sourceImage":"projects/debian-cloud/global/images/family/debian-12"}}],
			"networkInterfaces":[{"network":"global/networks/default"}]}`, e.Owner))
		c.remove(ctx, t, "projects/"+project+"/zones/us-central1-a/instances/by-hand")
		_, err := e.Destroy(ctx, nil)
		named(t, err, "zones/us-central1-a/disks/by-hand", "gcloud compute disks delete by-hand --zone=us-central1-a --project="+project)
		c.remove(ctx, t, "projects/"+project+"/zones/us-central1-a/disks/by-hand")
		destroy(ctx, t, c)
	})
}

// ours makes a network that carries the deployment's mark and is not recorded.
func (c *cloud) unrecorded(ctx context.Context, t *testing.T) {
	t.Helper()
	owner := c.engine(ctx, c.em.Transport(), 1).Owner
	c.post(ctx, t, "global/networks", fmt.Sprintf(`{"name":"demo-stray","autoCreateSubnetworks":false,"description":%q}`, gce.Describe(owner)))
}

// Also when a step has failed, all that carries the mark is listed, and what is not recorded is named.
func TestADestroyListsByMarkAlsoAfterAFailedStep(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		create(ctx, t, c)
		c.unrecorded(ctx, t)
		c.strike(t, refusesDeletion)
		_, err := c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil)
		named(t, err, "The group is frozen.", "global/networks/demo-stray")
		if strings.Contains(err.Error(), "\n  projects/test-project/zones/us-central1-a/instanceGroupManagers/demo-mig") {
			t.Errorf("what is recorded is named as a leftover: %v", err)
		}
		c.strike(t, obeys)
		_, err = c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil)
		named(t, err, "global/networks/demo-stray", "cluster-provision destroy --sweep")
		e := c.engine(ctx, c.em.Transport(), 1)
		e.Sweep = true
		if report, err := e.Destroy(ctx, nil); err != nil || len(report.Swept) != 1 || report.Nothing {
			t.Errorf("%v: swept %v", err, report.Swept)
		}
		if left := c.left(); len(left) > 0 {
			t.Errorf("left: %v", left)
		}
	})
}

// Without a manifest a destroy names what carries the mark, and --sweep removes it, under the lease, and clears like any destroy.
func TestASweepWithoutAManifest(t *testing.T) {
	for name, lose := range map[string]func(c *cloud, ctx context.Context, t *testing.T){
		"the manifest is lost": (*cloud).loseManifest,
		"the bucket is lost":   (*cloud).loseBucket,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				create(ctx, t, c, networks()...)
				lose(c, ctx, t)
				_, err := c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil)
				named(t, err, "global/networks/demo-net", "zones/us-central1-a/instanceGroupManagers/demo-mig", "zones/us-central1-a/instances/demo-vm-0001",
					"there is no manifest at", "cluster-provision destroy --sweep --project-id="+project)
				if n := countOf(c.left(), "/instances/"); n != 2 {
					t.Errorf("%d VMs are left", n)
				}
				w := &watched{next: c.em.Transport()}
				e := c.engine(ctx, w, 1)
				e.Sweep = true
				held := false
				e.Store = &noting{Store: e.Store, held: &held}
				heard := &listener{}
				e.Printer = heard
				report, err := e.Destroy(ctx, nil)
				if err != nil || !held || report.Nothing {
					t.Errorf("%v, under the lease: %v, nothing: %v", err, held, report.Nothing)
				}
				if said := strings.Join(heard.said(), "\n"); len(report.Swept) != 7 || !strings.Contains(report.Text(), "7 resources") || !strings.Contains(said, "7 resources are removed, listing again found none") {
					t.Errorf("swept %v; said %s; %s", report.Swept, said, report.Text())
				}
				if left := c.left(); len(left) > 0 {
					t.Errorf("left: %v", left)
				}
			})
		})
	}
}

// noting is a store that notes that the lease was taken.
type noting struct {
	provision.Store
	held *bool
}

func (s *noting) Lock(ctx context.Context, h state.Holder) (state.Lease, error) {
	l, err := s.Store.Lock(ctx, h)
	*s.held = *s.held || err == nil
	return l, err
}

func TestASweepIsStoppedByAnothersLease(t *testing.T) {
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		create(ctx, t, c)
		c.loseManifest(ctx, t)
		l, err := c.engine(ctx, c.em.Transport(), 1).Store.Lock(ctx, state.Self("create", "another"))
		if err != nil {
			t.Fatal(err)
		}
		before := len(c.things())
		e := c.engine(ctx, c.em.Transport(), 1)
		e.Sweep = true
		if _, err := e.Destroy(ctx, nil); provision.ExitCode(err) != provision.CodeHeld {
			t.Errorf("%v", err)
		}
		if now := len(c.things()); now != before {
			t.Errorf("%d things are left of %d", now, before)
		}
		if err := l.Release(ctx); err != nil {
			t.Error(err)
		}
	})
}

// What others have put into the folder stays, and is named: the state of the tool that was replaced, say.
func TestWhatIsNotOursInTheFolderStays(t *testing.T) {
	theirs := []string{"demo-deployment/terraform.tfstate", "demo-deployment/recovery-notes.txt", "demo-deployment/inner-deployment/manifest.json"}
	inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
		create(ctx, t, c)
		for _, name := range theirs {
			c.upload(ctx, t, name)
		}
		report, err := c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil)
		if err != nil || report.BucketRemoved || len(report.Kept) != len(theirs) {
			t.Errorf("%v: bucket removed: %v, kept: %v", err, report.BucketRemoved, report.Kept)
		}
		for _, name := range theirs {
			if !strings.Contains(strings.Join(report.Kept, " "), "gs://"+bucket+"/"+name) || countOf(c.left(), "/o/"+url.PathEscape(name)) != 1 {
				t.Errorf("%s: kept are %v, left is %v", name, report.Kept, c.left())
			}
		}
		if n := len(c.left()); n != len(theirs)+1 {
			t.Errorf("left: %v", c.left())
		}
		again, err := c.engine(ctx, c.em.Transport(), 1).Destroy(ctx, nil)
		if err != nil || !again.Nothing {
			t.Errorf("the next destroy: %v, nothing: %v", err, again.Nothing)
		}
	})
}
