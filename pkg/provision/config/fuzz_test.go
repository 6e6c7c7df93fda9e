package config_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/aiinfra/cluster-provision/pkg/provision/config"
	"github.com/aiinfra/cluster-provision/pkg/resources"
)

// consistent holds what every answer must keep: a result or an error, never both and never neither.
func consistent(t *testing.T, there bool, problems resources.Problems) {
	t.Helper()
	if there == (problems.Err() != nil) {
		t.Fatalf("a result: %v, beside %v", there, problems)
	}
	for _, p := range problems {
		if p.Path == "" || p.Message == "" {
			t.Fatalf("a problem that does not say where or what: %+v", p)
		}
	}
}

func FuzzEnvFile(f *testing.F) {
	for _, s := range []string{
		"", mandatoryLines, mandatoryLines + "INSTANCE_COUNT=3\r\n# c\n", "ZONE", "=", "A B=1", "\ufeffZONE=z", "ZONE=\xff", "ZONE=\x00\n",
		"STATE_GCS_PATH=gs://a-b\nTERRAFORM_GCS_PATH=gs://c-d\n", "METADATA={ a = \"b\" }\nLABELS={\"a\":\"b\"}\n", "INSTANC_COUNT=1",
		"ZONE=\"us-central1-a\"\n", "\xff\xfeZ\x00O\x00", "Z\x00O\x00N\x00E\x00", "GCS_PATH=gs://a-b\nSETUP_RAY\n", "a\n\ufeffZONE=z", "METADATA={a=1e999999999}\n",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			t.Skip("too long")
		}
		in := config.Input{EnvFile: file(t, text), Environ: []string{"ZONE=us-central1-a"}}
		c, problems := config.Load(in)
		consistent(t, c != nil, problems)
		target, problems := config.LoadTarget(in)
		consistent(t, target != nil, problems)
		if c != nil && (target == nil || c.Target != *target) {
			t.Fatalf("create would work on %+v, destroy on %+v", c.Target, target)
		}
	})
}

func FuzzMap(f *testing.F) {
	for _, s := range []string{
		`{ a = "b", c = 1 }`, `{"a":"b"}`, `{ a = "${b}" }`, `{ a = "$${b}" }`, "{\n a = <<E\nx\nE\n}", `{ a = null }`, `{ "a": 1, b = 2 }`,
		`{ a = [for x in y : x] }`, `{ a = "%{ if true }b%{ endif }" }`, `{ (a) = 1 }`, `{"a":1e400}`, `{ a = -1 }`, `{ a = 1/0 }`, `{{`, "{ a = \"\x00\" }",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<14 {
			t.Skip("too long")
		}
		c, problems := load(settings{"METADATA": text})
		consistent(t, c != nil, problems)
		if c != nil {
			for k, v := range c.Metadata {
				if k == "" || len(k) > 128 || strings.Trim(k, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" || len(v) > 262144 || !utf8.ValidString(v) {
					t.Fatalf("not metadata: %q = %q", k, v)
				}
			}
		}
		c, problems = load(settings{"LABELS": text})
		consistent(t, c != nil, problems)
		if c != nil {
			for k, v := range c.Labels {
				if k == "" || k == resources.OwnerLabel || utf8.RuneCountInString(k) > 63 || utf8.RuneCountInString(v) > 63 || strings.ToLower(k+v) != k+v {
					t.Fatalf("not a label: %q = %q", k, v)
				}
			}
		}
	})
}

// FuzzLists tries the comma lists. What they ask for is not there yet, so a list that is not empty always ends as an error.
func FuzzLists(f *testing.F) {
	for _, s := range []string{"bucket:/data,", "/nfs:BASIC_SSD:2560,/b:zonal", "us-central1-b,us-east1-c", ",", ",,", ":", "b:/", "/a:X:99999999999999999999", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, key := range []string{"GCS_MOUNT_LIST", "NFS_FILESHARE_LIST", "FALLBACK_ZONES"} {
			c, problems := load(settings{key: text})
			consistent(t, c != nil, problems)
			if given := strings.TrimSpace(text) != ""; given == (c != nil) && text != "-" {
				t.Fatalf("%s=%q: %v", key, text, problems)
			}
		}
	})
}
