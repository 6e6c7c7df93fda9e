package config

import (
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/resources/machines"
)

// NetworkMode is a value of NETWORK_CONFIG.
type NetworkMode string

// The network modes.
const (
	DefaultNetwork NetworkMode = "default_network"
	NewNetwork     NetworkMode = "new_network"
	MultiNIC       NetworkMode = "multi_nic_network"
)

// StatePath is where state is kept.
type StatePath struct {
	Bucket string
	Folder string // without slashes at its ends; may be empty
	Given  bool   // by the user; otherwise it is the default bucket
}

// Target is which deployment is meant: all that a destroy needs.
type Target struct {
	Project         string
	NamePrefix      string
	Zone            string
	Region          string
	State           StatePath
	MinimizeLogging bool
}

// Config is all settings, checked.
type Config struct {
	Target
	InstanceCount    int
	GPUCount         int
	VMType           string
	AcceleratorType  string // empty for a machine without GPUs
	Machine          machines.Type
	ImageFamily      string // empty when an image is named
	ImageFamilyGiven bool
	ImageName        string
	ImageProject     string
	DiskSizeGB       int
	DiskType         string
	Metadata         map[string]string
	Labels           map[string]string
	Network          NetworkMode
	ExternalIP       bool
	Subnetwork       string       // of the default network: a name, or [projects/P/]regions/R/subnetworks/S; empty when not given
	NetworkRange     netip.Prefix // invalid when not given
	ServiceAccount   string       // e-mail, or "default"
	ShowProxyURL     bool
	CleanupOnExit    bool
	MaxRunDuration   time.Duration // 0 for ever

	values map[string]given
}

// Load reads and checks every setting. The Config is nil when a problem is an error; warnings come beside it.
func Load(in Input) (*Config, resources.Problems) {
	r := read(in)
	c := &Config{Target: r.target(), values: r.values}
	c.InstanceCount = r.whole("INSTANCE_COUNT", 1, 100000)
	r.machine(c)
	r.image(c)
	r.disk(c)
	c.Metadata, c.Labels = r.metadata(), r.labels(resources.OwnerLabel)
	r.network(c)
	c.ServiceAccount = r.serviceAccount(c)
	c.ShowProxyURL, c.CleanupOnExit = r.boolean("SHOW_PROXY_URL"), r.boolean("CLEANUP_ON_EXIT")
	// Limits of Scheduling.maxRunDuration: 30 s to 120 days (VM documentation, "Limit the run time of a VM").
	c.MaxRunDuration = r.duration("MAX_RUN_DURATION", 30*time.Second, 120*24*time.Hour)
	r.lists()
	r.staged(in.CopyDir)
	r.opsAgent()
	r.later()
	r.lengths(c)
	r.notices()
	if r.problems.Err() != nil {
		return nil, r.problems
	}
	return c, r.problems
}

// LoadTarget reads only what names the deployment. What is wrong with any other setting must not keep anybody from destroying.
func LoadTarget(in Input) (*Target, resources.Problems) {
	return loadTarget(in, "PROJECT_ID", "NAME_PREFIX", "ZONE", "TERRAFORM_GCS_PATH", "--env-file")
}

// LoadProject reads only the project and the state path: all that a list of deployments needs.
func LoadProject(in Input) (*Target, resources.Problems) {
	return loadTarget(in, "PROJECT_ID", "TERRAFORM_GCS_PATH", "--env-file")
}

func loadTarget(in Input, about ...string) (*Target, resources.Problems) {
	r := read(in)
	t := r.target()
	r.notices()
	kept := slices.DeleteFunc(r.problems, func(p resources.Problem) bool {
		// a wrong line of the file says nothing about the lines that name the deployment, unless it is a wrong name for one of them:
		// without its state path, a destroy would find nothing, and say so
		return !slices.Contains(about, p.Path) && !slices.Contains(about, r.meant[p.Path]) || p.Path == "--env-file" && strings.HasPrefix(p.Message, "line ")
	})
	if kept.Err() != nil {
		return nil, kept
	}
	return &t, kept
}

var (
	projectForm = regexp.MustCompile(`^(?:[a-z][a-z0-9.-]{0,62}:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$`)
	prefixForm  = regexp.MustCompile(`^[a-z](?:[-a-z0-9]*[a-z0-9])?$`)
	zoneForm    = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+-[a-z][a-z0-9]{0,3}$`)
	regionForm  = regexp.MustCompile(`^[a-z]+-[a-z]+[0-9]+$`)
	bucketForm  = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$`) }) //nolint:gochecknoglobals // a constant
	imageForm   = regexp.MustCompile(`^[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$`)
)

// mandatory reads a setting that must be given and have a form.
func (r *reader) mandatory(key string, form *regexp.Regexp, hint string) string {
	if r.bad[key] {
		return ""
	}
	if !r.has(key) {
		if !r.unread { // otherwise the file may well hold it
			r.fail(key, "", "is missing", hint)
		}
		return ""
	}
	return r.match(key, form, hint)
}

func (r *reader) target() Target {
	t := Target{
		Project:    r.mandatory("PROJECT_ID", projectForm, "give the id of your project, as `gcloud projects list` shows it"),
		NamePrefix: r.mandatory("NAME_PREFIX", prefixForm, "give lower-case letters, digits and hyphens, a letter first, like demo"),
	}
	if z := r.text("ZONE"); regionForm.MatchString(z) {
		r.fail("ZONE", z, "is a region", "give a zone of it, like "+z+"-a")
	} else {
		t.Zone = r.mandatory("ZONE", zoneForm, "give a zone like us-central1-a")
	}
	if i := strings.LastIndexByte(t.Zone, '-'); i > 0 {
		t.Region = t.Zone[:i]
	}
	t.State = r.statePath(t.Project)
	t.MinimizeLogging = r.has("MINIMIZE_TERRAFORM_LOGGING")
	return t
}

func (r *reader) statePath(project string) StatePath {
	const key = "TERRAFORM_GCS_PATH"
	s := r.text(key)
	if s == "" {
		if strings.ContainsAny(project, ":.") {
			r.fail(key, "", "is needed, because the project's id is no part of a bucket name", "give gs://bucket or gs://bucket/folder")
		}
		return StatePath{Bucket: "aiinfra-terraform-" + project}
	}
	rest, ok := strings.CutPrefix(s, "gs://")
	bucket, folder, _ := strings.Cut(rest, "/")
	switch {
	case !ok || !bucketForm().MatchString(bucket):
		r.fail(key, s, "is not a bucket", "give gs://bucket or gs://bucket/folder")
	case len(bucket) > 63 && !strings.Contains(bucket, "."):
		r.fail(key, s, "has a bucket name of more than 63 characters", "give gs://bucket or gs://bucket/folder")
	case strings.HasSuffix(s, "/"):
		r.fail(key, s, "ends in a slash", "leave the last slash out")
	case strings.HasPrefix(folder, "/") || strings.Contains(folder, "//") || strings.ContainsAny(folder, "\n\t#[]*?") || len(folder) > 500:
		r.fail(key, s, "has a folder that cannot be used", "give gs://bucket or gs://bucket/folder")
	}
	return StatePath{Bucket: bucket, Folder: folder, Given: true}
}

func (r *reader) image(c *Config) {
	c.ImageProject = r.match("IMAGE_PROJECT", projectForm, "give a project id like ml-images")
	c.ImageName = r.match("IMAGE_NAME", imageForm, "give the name of an image")
	c.ImageFamilyGiven = r.has("IMAGE_FAMILY_NAME")
	if c.ImageName != "" && c.ImageFamilyGiven {
		r.fail("IMAGE_FAMILY_NAME", r.text("IMAGE_FAMILY_NAME"), "is given beside IMAGE_NAME", "give one of the two")
	}
	if c.ImageName == "" {
		c.ImageFamily = r.match("IMAGE_FAMILY_NAME", imageForm, "give the name of an image family")
	}
}

func (r *reader) disk(c *Config) {
	c.DiskSizeGB = r.whole("DISK_SIZE_GB", 10, 65536)
	if c.DiskSizeGB < 50 {
		r.warn("DISK_SIZE_GB", "is smaller than the 50 GB of Deep Learning VM images", "")
	}
	c.DiskType = strings.ToLower(r.text("DISK_TYPE"))
	if c.Machine.Name == "" {
		if possible := machines.Disks(); !slices.Contains(possible, c.DiskType) {
			r.fail("DISK_TYPE", c.DiskType, "is not a boot disk of any machine type", "give one of "+strings.Join(possible, ", "))
		}
		return
	}
	if c.Machine.Boots(c.DiskType) {
		return
	}
	possible := strings.Join(c.Machine.BootDisks, ", ")
	if r.has("DISK_TYPE") {
		r.fail("DISK_TYPE", c.DiskType, c.VMType+" cannot boot from it", "give one of "+possible)
		return
	}
	c.DiskType = c.Machine.DefaultDisk()
	r.warn("DISK_TYPE", c.VMType+" cannot boot from pd-ssd: "+c.DiskType+" is taken", "")
}

func (r *reader) opsAgent() {
	if !r.boolean("DISABLE_OPS_AGENT") {
		r.warn("DISABLE_OPS_AGENT", "is not true, but this version installs no Ops Agent yet", "")
	}
}
