package resources

// VM is one machine of the cluster as list calls show it.
type VM struct {
	Name       string `json:"name"`
	Zone       string `json:"zone"`
	Group      string `json:"group,omitempty"`      // name of its managed instance group
	Status     string `json:"status"`               // RUNNING, STAGING, ...; empty while it does not exist yet
	Action     string `json:"action,omitempty"`     // what the group is doing to it; "NONE" when nothing
	Error      string `json:"error,omitempty"`      // the group's last error on it: code and message
	InternalIP string `json:"internalIp,omitempty"` // of its first NIC
	ExternalIP string `json:"externalIp,omitempty"`
	ProxyURL   string `json:"proxyUrl,omitempty"` // the Jupyter proxy's address, once the VM has registered with it
}
