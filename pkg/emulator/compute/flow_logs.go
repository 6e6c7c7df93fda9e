package compute

import (
	"github.com/aiinfra/cluster-provision/pkg/emulator/doc"
)

// checkFlowLogs brings the two switches of VPC flow logs together and fills in what logging takes by default (discovery
// document, SubnetworkLogConfig). That the defaults are shown is seen in public listings.
func (c *call) checkFlowLogs(d doc.Map) error {
	logs := doc.Object(d, "logConfig")
	if logs == nil {
		logs = doc.Map{}
		d["logConfig"] = logs
	}
	switch enable, given := logs["enable"]; {
	case doc.Object(c.body, "logConfig") != nil && given:
		d["enableFlowLogs"] = enable
	case c.body["enableFlowLogs"] != nil:
		logs["enable"] = c.body["enableFlowLogs"]
	}
	on := doc.Bool(logs, "enable")
	if purpose := doc.Str(d, "purpose"); on && (purpose == "REGIONAL_MANAGED_PROXY" || purpose == "INTERNAL_HTTPS_LOAD_BALANCER") {
		return invalid("resource.logConfig", purpose, "Flow logging is not supported for this purpose.") // documented; words assumed
	}
	if rate, ok := logs["flowSampling"].(float64); ok && (rate < 0 || rate > 1) {
		return invalid("resource.logConfig.flowSampling", rate, "Must be between 0 and 1.") // documented; words assumed
	}
	if len(doc.List(logs, "metadataFields")) > 0 && doc.Str(logs, "metadata") != "CUSTOM_METADATA" {
		return invalid("resource.logConfig.metadataFields", "", "Needs metadata to be CUSTOM_METADATA.") // documented; words assumed
	}
	if on {
		doc.Fill(logs, doc.Map{"aggregationInterval": "INTERVAL_5_SEC", "flowSampling": 0.5, "metadata": "EXCLUDE_ALL_METADATA"})
	}
	return nil
}
