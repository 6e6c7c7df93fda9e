// Package config reads and checks the settings. Three sources, the later wins: the process environment, an env-file as
// Docker reads it, and flags of the same names. All problems are reported at once. It calls nothing.
//
// Settings is the table from which everything else follows: the flags, the reference page docs/settings.md, examples/env.list,
// and the names that a misspelt one is compared with.
//
// Worked example:
//
//	cfg, problems := config.Load(config.Input{Environ: os.Environ(), EnvFile: "env.list", Flags: map[string]string{"ZONE": "us-east1-b"}})
//	if err := problems.Err(); err != nil { … } // every problem, one a line
package config
