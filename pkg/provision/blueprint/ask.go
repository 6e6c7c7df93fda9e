package blueprint

import (
	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources/offer"
)

// Ask is what the settings need to know of the project and the zone before anything is planned. recorded are the choices of
// earlier runs: what they settle is not asked again. thorough is for validate: it also looks at what is hardly ever wrong, such as
// the project's own default service account.
func Ask(cfg *config.Config, recorded map[string]string, thorough bool) offer.Query {
	q := AskNewer(cfg, recorded)
	q.Project = true
	q.Machine, q.GPU = cfg.VMType, cfg.AcceleratorType
	if thorough || cfg.ServiceAccount != defaultAccount {
		q.ServiceAccount = cfg.ServiceAccount
	}
	switch cfg.Network {
	case config.DefaultNetwork:
		q.Network, q.NAT = defaultNetwork, !cfg.ExternalIP
	case config.NewNetwork:
		_, settled := recordedRange(cfg, recorded)
		q.Ranges = !settled
	case config.MultiNIC: // refused by the settings as long as it is not there
	}
	return q
}

// defaultAccount is the setting's word for the project's Compute Engine default service account.
const defaultAccount = "default"

// AskNewer is all that is worth asking when nothing is to be changed: whether the image family has a newer image.
func AskNewer(cfg *config.Config, recorded map[string]string) offer.Query {
	q := offer.ImageQuery{Project: cfg.ImageProject, Family: cfg.ImageFamily, Name: cfg.ImageName}
	if cfg.ImageName == "" {
		if instead := recorded[insteadKey(cfg)]; instead != "" {
			q.Family = instead // the one asked for was gone
		}
		q.Others = recorded[imageKey(cfg)] == ""
	}
	return offer.Query{Image: q}
}
