package config_test

import (
	"strings"
	"testing"
)

// TestRangesThatVPCForbids has the ranges of the VPC documentation, page "Subnets", section "Prohibited IPv4 subnet ranges".
func TestRangesThatVPCForbids(t *testing.T) {
	for given, names := range map[string]string{
		"0.0.0.0/8": "0.0.0.0/8", "0.128.0.0/16": "0.0.0.0/8", "127.0.0.0/8": "127.0.0.0/8", "127.1.0.0/20": "127.0.0.0/8",
		"169.254.0.0/16": "169.254.0.0/16", "169.0.0.0/8": "169.254.0.0/16", "169.254.169.248/29": "169.254.0.0/16",
		"224.0.0.0/8": "224.0.0.0/4", "239.255.0.0/16": "224.0.0.0/4", "224.0.0.0/4": "224.0.0.0/4",
		"199.36.153.0/29": "199.36.153.4/30", "199.36.153.8/29": "199.36.153.8/30", "199.36.0.0/16": "199.36.153.4/30",
		"255.255.255.248/29": "255.255.255.255/32", "0.0.0.0/0": "0.0.0.0/8",
	} {
		c, problems := load(settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": given})
		if c != nil || len(problems) != 1 || problems[0].Path != "NETWORK_RANGE" || !strings.Contains(problems[0].Message, "overlaps "+names+" (") || !strings.Contains(problems[0].Message, "VPC forbids") {
			t.Errorf("%s: %v", given, problems)
		}
	}
}

// TestRangesThatVPCTakes has the ranges of the same page, section "Valid IPv4 ranges": none needs a warning but the last.
func TestRangesThatVPCTakes(t *testing.T) {
	for given, warning := range map[string]string{
		"10.0.0.0/8": "", "10.8.0.0/29": "", "172.16.0.0/12": "", "172.17.0.0/16": "", "192.168.0.0/16": "", "100.64.0.0/10": "", "192.0.0.0/24": "", "192.0.2.0/24": "",
		"198.51.100.0/24": "", "203.0.113.0/24": "", "192.88.99.0/24": "", "198.18.0.0/15": "",
		"240.0.0.0/8": "some operating systems", "199.36.152.0/24": "not a private range", "100.0.0.0/8": "not a private range",
	} {
		c, problems := load(settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": given})
		if c == nil || c.NetworkRange.String() != given || (warning == "") != (len(problems) == 0) || !strings.Contains(problems.Error(), warning) {
			t.Errorf("%s: %v", given, problems)
		}
	}
}

func TestSizesOfRanges(t *testing.T) {
	for given, says := range map[string]string{"10.0.0.0/7": "too large", "240.0.0.0/5": "too large", "10.0.0.0/30": "too small", "10.0.0.0/32": "too small"} {
		c, problems := load(settings{"NETWORK_CONFIG": "new_network", "NETWORK_RANGE": given})
		if c != nil || len(problems) != 1 || !strings.Contains(problems.Error(), says) || !strings.Contains(problems.Error(), "from 8 to 29") {
			t.Errorf("%s: %v", given, problems)
		}
	}
}

func TestSubnetwork(t *testing.T) {
	for name, tc := range map[string]struct {
		set  settings
		says string // what is wrong; empty: it is taken
	}{
		"a name":                          {settings{"SUBNETWORK": "team-a"}, ""},
		"a path with its region":          {settings{"SUBNETWORK": "regions/us-central1/subnetworks/team-a"}, ""},
		"a path with project and region":  {settings{"SUBNETWORK": "projects/my-gpu-project/regions/us-central1/subnetworks/team-a"}, ""},
		"a path of a domain's project":    {settings{"SUBNETWORK": "projects/example.com:proj-1/regions/us-central1/subnetworks/team-a"}, ""},
		"the default network, said aloud": {settings{"SUBNETWORK": "team-a", "NETWORK_CONFIG": "Default_Network"}, ""},
		"the longest name":                {settings{"SUBNETWORK": strings.Repeat("s", 63)}, ""},
		"a name that is too long":         {settings{"SUBNETWORK": strings.Repeat("s", 64)}, "has not the form"},
		"a name in capitals":              {settings{"SUBNETWORK": "Team-A"}, "regions/us-central1/subnetworks/NAME"},
		"a path without a name":           {settings{"SUBNETWORK": "regions/us-central1/subnetworks/"}, "has not the form"},
		"a path of another thing":         {settings{"SUBNETWORK": "projects/my-gpu-project/global/networks/default"}, "has not the form"},
		"a range":                         {settings{"SUBNETWORK": "10.0.0.0/16"}, "has not the form"},
		"a subnetwork of another region":  {settings{"SUBNETWORK": "regions/us-east1/subnetworks/team-a"}, "is in us-east1, but ZONE=us-central1-a is in us-central1"},
		"a network of our own":            {settings{"SUBNETWORK": "team-a", "NETWORK_CONFIG": "new_network"}, "NETWORK_CONFIG is new_network"},
	} {
		t.Run(name, func(t *testing.T) {
			c, problems := load(tc.set)
			switch {
			case tc.says == "" && (c == nil || c.Subnetwork != tc.set["SUBNETWORK"] || len(problems) > 0):
				t.Error(problems)
			case tc.says != "" && (c != nil || len(problems) != 1 || problems[0].Path != "SUBNETWORK" || !strings.Contains(problems.Error(), tc.says)):
				t.Errorf("nothing says %q: %v", tc.says, problems)
			}
		})
	}
}
