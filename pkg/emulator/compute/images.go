package compute

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
	"github.com/aiinfra/cluster-provision/pkg/emulator/draws"
)

//go:embed images.tsv
var imagesFile string

// image is a public image of the emulated world.
type image struct {
	project, family, name string
	created               string // the day of its release, for order
	diskGB                int
	deprecated            string // "", DEPRECATED or OBSOLETE
	arch                  string
}

// images are those of images.tsv, which says where they come from.
var images = sync.OnceValue(func() []image { //nolint:gochecknoglobals // a constant table
	var out []image
	for row := range tableRows(imagesFile) {
		gb, err := strconv.Atoi(row[4])
		if err != nil {
			panic(err) // the file is part of the program and read by a test
		}
		i := image{project: row[0], family: row[1], name: row[2], created: row[3], diskGB: gb, arch: row[5]}
		if len(row) > 6 {
			i.deprecated = row[6]
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b image) int { return strings.Compare(a.path(), b.path()) })
	return out
})

// imageProject says whether a project holds public images: it exists for everybody, and has nothing else to show.
func imageProject(project string) bool {
	return slices.ContainsFunc(images(), func(i image) bool { return i.project == project })
}

func (i image) path() string { return "projects/" + i.project + "/global/images/" + i.name }

// imageTraits is what the images of one system have in common.
type imageTraits struct {
	licenses []string // paths
	codes    []string // of the licenses, as far as they are known
	features []string
	bytes    string // of the archive; "" when it is not known
}

var (
	debianFeatures = []string{"UEFI_COMPATIBLE", "VIRTIO_SCSI_MULTIQUEUE", "GVNIC", "SEV_CAPABLE", "SEV_LIVE_MIGRATABLE_V2"} //nolint:gochecknoglobals // a constant table
	ubuntuFeatures = []string{"VIRTIO_SCSI_MULTIQUEUE", "SEV_CAPABLE", "SEV_SNP_CAPABLE", "SEV_LIVE_MIGRATABLE",             //nolint:gochecknoglobals // a constant table
		"SEV_LIVE_MIGRATABLE_V2", "SNP_SVSM_CAPABLE", "IDPF", "TDX_CAPABLE", "UEFI_COMPATIBLE", "GVNIC"}
)

// traitsByName are known by the beginning of an image's name, the first that fits. debian-11: recorded
// (compute-instance-template-and-instances.log). debian-12: an answer of images.get of 2025 in public code.
// ubuntu-2404 and its minimal form: answers of 2026 in public code. Licenses of COS: instances in public code.
var traitsByName = []struct { //nolint:gochecknoglobals // a constant table
	prefix string
	imageTraits
}{
	{"debian-11", imageTraits{[]string{"debian-cloud/global/licenses/debian-11-bullseye"}, []string{"3853522013536123851"},
		[]string{"UEFI_COMPATIBLE", "VIRTIO_SCSI_MULTIQUEUE", "GVNIC"}, ""}},
	{"debian-12-bookworm-v", imageTraits{[]string{"debian-cloud/global/licenses/debian-12-bookworm"}, []string{"2147286739765738111"}, debianFeatures, "2056498176"}},
	{"ubuntu-2404-noble-amd64", imageTraits{[]string{"ubuntu-os-cloud/global/licenses/ubuntu-2404-lts"}, []string{"3242930272766215801"}, ubuntuFeatures, "60138870400"}},
	{"ubuntu-minimal-2404-noble-amd64", imageTraits{[]string{"ubuntu-os-cloud/global/licenses/ubuntu-minimal-2404-lts"}, []string{"6508311393003325021"}, ubuntuFeatures, "50232915200"}},
	{"ubuntu-2204", imageTraits{licenses: []string{"ubuntu-os-cloud/global/licenses/ubuntu-2204-lts"}, features: assumedFeatures}},
	{"cos-", imageTraits{licenses: []string{"cos-cloud-shielded/global/licenses/shielded-cos", "cos-cloud/global/licenses/cos", "cos-cloud/global/licenses/cos-pcid"},
		features: assumedFeatures}},
	{"", imageTraits{features: assumedFeatures}},
}

// assumedFeatures are those of images of which nothing is known: each of them boots by UEFI and has the driver of gVNIC.
var assumedFeatures = []string{"UEFI_COMPATIBLE", "VIRTIO_SCSI_MULTIQUEUE", "GVNIC"} //nolint:gochecknoglobals // a constant table

// knownTraits are the traits of an image; what is not known of it is empty.
func (i image) knownTraits() imageTraits {
	for _, t := range traitsByName {
		if strings.HasPrefix(i.name, t.prefix) {
			return t.imageTraits
		}
	}
	return imageTraits{}
}

// doc has the fields of the answers that traitsByName comes from. The size of an archive that is not known is made up: a quarter of
// the disk; ids are the emulator's own.
func (i image) doc() doc.Map {
	t := i.knownTraits()
	bytes := t.bytes
	if bytes == "" {
		bytes = fmt.Sprint(int64(i.diskGB) << 28)
	}
	d := doc.Map{
		"kind": "compute#image", "id": fmt.Sprint(1<<60 + uint64(draws.Uniform(0, i.name, 1)*(1<<60))), "name": i.name, "family": i.family,
		"status": "READY", "sourceType": "RAW", "rawDisk": doc.Map{"source": "", "containerType": "TAR"}, "diskSizeGb": fmt.Sprint(i.diskGB),
		"archiveSizeBytes": bytes, "architecture": i.arch, "creationTimestamp": i.created + "T00:00:00.000-08:00", "selfLink": linkBase + i.path(),
		"storageLocations": []any{"eu", "asia", "us"}, "labels": doc.Map{"public-image": "true"}, "labelFingerprint": "iNBmVNCFF9w=",
		"enableConfidentialCompute": false,
	}
	var features, licenses []any
	for _, f := range t.features {
		features = append(features, doc.Map{"type": f})
	}
	for _, l := range t.licenses {
		licenses = append(licenses, linkBase+"projects/"+l)
	}
	d["guestOsFeatures"] = features
	if len(licenses) > 0 {
		d["licenses"] = licenses
	}
	if len(t.codes) > 0 {
		d["licenseCodes"] = doc.Anys(t.codes)
	}
	if i.deprecated != "" {
		d["deprecated"] = doc.Map{"state": i.deprecated}
	}
	return d
}

// findImage resolves an image or an image family by path; a family gives its newest image that is not deprecated.
func findImage(path string) (image, bool) {
	if project, view, ok := strings.Cut(strings.TrimPrefix(path, "projects/"), "/zones/"); ok { // gcloud names families by view
		if _, family, ok := strings.Cut(view, "/imageFamilyViews/"); ok {
			path = "projects/" + project + "/global/images/family/" + family
		}
	}
	if project, family, ok := strings.Cut(strings.TrimPrefix(path, "projects/"), "/global/images/family/"); ok {
		var newest image
		for _, i := range images() {
			if i.project == project && i.family == family && i.deprecated == "" && i.created > newest.created {
				newest = i
			}
		}
		return newest, newest.name != ""
	}
	k := slices.IndexFunc(images(), func(i image) bool { return i.path() == path })
	if k < 0 {
		return image{}, false
	}
	return images()[k], true
}

func (svc *service) imageMethods() map[string]handler {
	read := func(c *call) (any, error) {
		i, ok := findImage(c.path)
		if !ok {
			return nil, notFound(c.path)
		}
		return i.doc(), nil
	}
	return map[string]handler{
		"Images.Get":           read,
		"Images.GetFromFamily": read,
		"ImageFamilyViews.Get": func(c *call) (any, error) { // discovery document: an object around the image
			i, ok := findImage(c.path)
			if !ok {
				return nil, notFound(c.path)
			}
			return doc.Map{"image": i.doc()}, nil
		},
		"Images.List": func(c *call) (any, error) {
			var items []doc.Map
			for _, i := range images() {
				if i.project == c.vars["project"] {
					items = append(items, i.doc())
				}
			}
			return c.virtual(c.project()+"/global/images", "compute#imageList", items)
		},
	}
}
