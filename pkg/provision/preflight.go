package provision

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/aiinfra/cluster-provision/pkg/provision/blueprint"
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// groundwork is what is known before anything is changed.
type groundwork struct {
	manifest state.Manifest
	version  state.Version
	problems resources.Problems
	choices  blueprint.Choices
	nodes    []*resources.Node
	live     map[resources.ID]*resources.Observation
}

// The names under which choices are recorded.
const (
	choiceRange = "networkRange"
	choiceImage = "imageInsteadOf/" // and the family that is gone
)

// survey reads, side by side, all that a plan for the settings depends on. It changes nothing anywhere. Problems are in the
// groundwork; the error is for what could not be read. full also asks for what only validate tells: permissions.
func (e *Engine) survey(ctx context.Context, cfg *config.Config, full bool) (*groundwork, error) {
	g := &groundwork{}
	if err := e.Catalog.CheckProject(ctx); err != nil {
		return g, err // everything after this would be noise
	}
	var image string
	var imageNotes resources.Problems
	var used map[netip.Prefix]string
	found := make([][]resources.Problem, 4)
	group, ctx2 := errgroup.WithContext(ctx)
	group.Go(func() error { return e.Store.CheckBucket(ctx2) })
	group.Go(func() (err error) { g.manifest, g.version, err = e.Store.Load(ctx2); return err })
	group.Go(func() (err error) {
		found[0], err = e.Catalog.CheckServices(ctx2, []string{"compute.googleapis.com", "storage.googleapis.com"})
		return err
	})
	group.Go(func() (err error) {
		found[1], err = e.Catalog.CheckMachine(ctx2, cfg.VMType, cfg.AcceleratorType)
		return tolerateDisabled(err)
	})
	group.Go(func() (err error) {
		image, imageNotes, err = e.image(ctx2, cfg)
		return tolerateDisabled(err)
	})
	group.Go(func() (err error) {
		if cfg.Network == config.DefaultNetwork {
			found[2], err = e.Catalog.CheckDefaultNetwork(ctx2, cfg.ExternalIP)
		} else {
			used, err = e.Catalog.UsedRanges(ctx2)
		}
		return tolerateDisabled(err)
	})
	err := group.Wait()
	g.problems = append(slices.Concat(found...), imageNotes...)
	if err != nil || g.problems.Err() != nil {
		return g, err
	}
	if g.manifest, err = e.adopt(g.manifest); err != nil {
		return g, err
	}
	if err := e.choose(g, cfg, image, used); err != nil {
		return g, err
	}
	if g.nodes, err = e.Registry.Nodes(blueprint.Build(cfg, g.choices)); err != nil {
		return g, err
	}
	for _, n := range g.nodes {
		for _, p := range n.Check() {
			p.Path = n.Address.String() + " " + p.Path
			g.problems = append(g.problems, p)
		}
	}
	if full {
		return g, e.permissions(ctx, g)
	}
	return g, nil
}

// tolerateDisabled lets the check of the APIs speak for all calls that fail because an API is disabled.
func tolerateDisabled(err error) error {
	if resources.ClassOf(err) == resources.ClassDisabled {
		return nil
	}
	return err
}

// adopt starts a manifest, or makes sure that the one that is there is this deployment's.
func (e *Engine) adopt(m state.Manifest) (state.Manifest, error) {
	if m.Lineage == "" {
		return state.Manifest{
			Lineage: newID(), Owner: e.Owner, Project: e.Scope.Project, Prefix: e.Scope.Prefix, Zone: e.Scope.Zone,
		}, nil
	}
	if m.Project != e.Scope.Project || m.Prefix != e.Scope.Prefix {
		return m, resources.Problems{{
			Path: "TERRAFORM_GCS_PATH", Value: e.Store.Location(),
			Message: fmt.Sprintf("holds the state of %s in project %s", m.Prefix, m.Project), Hint: "use another NAME_PREFIX or another folder",
		}}
	}
	return m, nil
}

// image resolves what the VMs boot from. A default family that is gone is replaced by the newest PyTorch GPU family; one
// that was given is a problem that lists the families that exist.
func (e *Engine) image(ctx context.Context, cfg *config.Config) (string, resources.Problems, error) {
	path, err := e.Catalog.Image(ctx, cfg.ImageProject, cfg.ImageFamily, cfg.ImageName)
	if !errors.Is(err, resources.ErrNotFound) {
		return path, nil, err
	}
	if cfg.ImageName != "" {
		return "", resources.Problems{{Path: "IMAGE_NAME", Value: cfg.ImageName, Message: "does not exist in project " + cfg.ImageProject,
			Hint: "list images with: gcloud compute images list --project=" + cfg.ImageProject + " --no-standard-images"}}, nil
	}
	families, err := e.Catalog.Families(ctx, cfg.ImageProject)
	if err != nil && !errors.Is(err, resources.ErrNotFound) {
		return "", nil, err
	}
	if !cfg.ImageFamilyGiven {
		for _, f := range families {
			if strings.HasPrefix(f, "pytorch-") && (strings.Contains(f, "-cu") || strings.Contains(f, "gpu")) {
				return "projects/" + cfg.ImageProject + "/global/images/family/" + f, resources.Problems{{
					Path: "IMAGE_FAMILY_NAME", Message: fmt.Sprintf("the default family %s is gone from project %s: the newest PyTorch GPU family %s is taken", cfg.ImageFamily, cfg.ImageProject, f),
					Severity: resources.SeverityWarning,
				}}, nil
			}
		}
	}
	hint := "the project has no image families"
	if len(families) > 0 {
		slices.Sort(families)
		hint = "families that exist: " + strings.Join(families, ", ")
	}
	return "", resources.Problems{{Path: "IMAGE_FAMILY_NAME", Value: cfg.ImageFamily, Message: "does not exist in project " + cfg.ImageProject, Hint: hint}}, nil
}

// choose settles what the settings leave open: what an earlier run has chosen stays.
func (e *Engine) choose(g *groundwork, cfg *config.Config, image string, used map[netip.Prefix]string) error {
	m := &g.manifest
	m.Choices = maps.Clone(m.Choices)
	if m.Choices == nil {
		m.Choices = map[string]json.RawMessage{}
	}
	g.choices.Image = image
	if cfg.ImageFamily != "" && !strings.HasSuffix(image, "/"+cfg.ImageFamily) {
		if earlier, ok := chosen(m, choiceImage+cfg.ImageFamily); ok {
			g.choices.Image = earlier
		}
		m.Choices[choiceImage+cfg.ImageFamily] = quote(g.choices.Image)
	}
	if cfg.Network != config.NewNetwork {
		return nil
	}
	ours := string(e.Scope.Regional("subnetworks", e.Scope.Name("subnet")))
	maps.DeleteFunc(used, func(_ netip.Prefix, path string) bool { return path == ours })
	if cfg.NetworkRange.IsValid() {
		g.choices.Range = cfg.NetworkRange
		g.problems = append(g.problems, overlaps(cfg.NetworkRange, used)...)
	} else if err := e.chooseRange(g, cfg, used); err != nil {
		return err
	}
	m.Choices[choiceRange] = quote(g.choices.Range.String())
	return nil
}

func (e *Engine) chooseRange(g *groundwork, cfg *config.Config, used map[netip.Prefix]string) error {
	if earlier, ok := chosen(&g.manifest, choiceRange); ok {
		if p, err := netip.ParsePrefix(earlier); err == nil && blueprint.Hosts(p) >= cfg.InstanceCount {
			g.choices.Range = p
			return nil
		}
	}
	p, err := blueprint.PickRange(slices.Collect(maps.Keys(used)), cfg.InstanceCount)
	if err != nil {
		g.problems = append(g.problems, resources.Problem{Path: "NETWORK_RANGE", Message: err.Error()})
	}
	g.choices.Range = p
	return nil
}

func overlaps(p netip.Prefix, used map[netip.Prefix]string) []resources.Problem {
	var out []resources.Problem
	for _, u := range slices.SortedFunc(maps.Keys(used), func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) }) {
		if u.Overlaps(p) {
			out = append(out, resources.Problem{Path: "NETWORK_RANGE", Value: p.String(), Message: fmt.Sprintf("overlaps %s of %s", u, used[u]),
				Hint: "give another range, or leave it out and a free one is chosen"})
		}
	}
	return out
}

// chosen gives what an earlier run has chosen; false when none has.
func chosen(m *state.Manifest, name string) (string, bool) {
	raw, ok := m.Choices[name]
	if !ok {
		return "", false
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err == nil && s != ""
}

func quote(s string) json.RawMessage {
	raw, err := json.Marshal(s)
	if err != nil { // unreachable: a string is always JSON
		return nil
	}
	return raw
}

// permissions tests, in one call, all that the nodes need of the project.
func (e *Engine) permissions(ctx context.Context, g *groundwork) error {
	var need []string
	for _, n := range g.nodes {
		need = append(need, n.Require().Permissions...)
	}
	slices.Sort(need)
	found, err := e.Catalog.CheckPermissions(ctx, slices.Compact(need))
	g.problems = append(g.problems, found...)
	return err
}

// observe reads every wanted and every recorded resource, side by side.
func (e *Engine) observe(ctx context.Context, g *groundwork) error {
	ids := map[resources.ID]resources.Kind{}
	for _, n := range g.nodes {
		ids[n.ID] = n.Address.Kind
	}
	for _, r := range g.manifest.Resources {
		ids[resources.ID(r.ID)] = resources.Kind(r.Kind())
	}
	type found struct {
		id  resources.ID
		obs *resources.Observation
	}
	results := make(chan found, len(ids))
	group, ctx := errgroup.WithContext(ctx)
	for id, kind := range ids {
		h, ok := e.Registry.Handler(kind)
		if !ok {
			continue // a kind of a newer program: kept, and reported when it would have to be changed
		}
		group.Go(func() error {
			obs, err := h.Read(ctx, id)
			if errors.Is(err, resources.ErrNotFound) {
				return nil
			}
			results <- found{id, obs}
			return err
		})
	}
	err := group.Wait()
	close(results)
	g.live = map[resources.ID]*resources.Observation{}
	for f := range results {
		if f.obs != nil {
			g.live[f.id] = f.obs
		}
	}
	return err
}
