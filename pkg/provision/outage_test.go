package provision_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/aiinfra/cluster-provision/pkg/emulator"
	"github.com/aiinfra/cluster-provision/pkg/provision"
	"github.com/aiinfra/cluster-provision/pkg/state"
)

// actions are all actions, as their callers see them: what they say and what they fail with.
func actions(t *testing.T) map[string]func(context.Context, *provision.Engine) (any, error) {
	t.Helper()
	cfg := settings(t)
	return map[string]func(context.Context, *provision.Engine) (any, error){
		"create":   func(ctx context.Context, e *provision.Engine) (any, error) { return e.Create(ctx, cfg, nil) },
		"plan":     func(ctx context.Context, e *provision.Engine) (any, error) { return e.Plan(ctx, cfg) },
		"validate": func(ctx context.Context, e *provision.Engine) (any, error) { return e.Validate(ctx, cfg) },
		"status": func(ctx context.Context, e *provision.Engine) (any, error) {
			st, err := e.Status(ctx)
			if st == nil {
				return nil, err
			}
			return st, err
		},
		"list":    func(ctx context.Context, e *provision.Engine) (any, error) { return e.List(ctx) },
		"destroy": func(ctx context.Context, e *provision.Engine) (any, error) { return e.Destroy(ctx, nil) },
		"unlock": func(ctx context.Context, e *provision.Engine) (any, error) {
			return nil, e.Unlock(ctx, func(state.Holder) (bool, error) { return true, nil })
		},
	}
}

const outage = "We encountered an internal error. Please try again."

// outages are parts of Cloud Storage that answer nothing else.
func outages() map[string]string {
	return map[string]string{
		"all of Cloud Storage":                  `{"rules":[{"match":{"path":"storage"},"fault":{"error":{"status":503,"reason":"backendError","message":"` + outage + `"}}}]}`,
		"the bucket, which is seen in the list": `{"rules":[{"match":{"path":"storage.*/b/"},"fault":{"error":{"status":503,"reason":"backendError","message":"` + outage + `"}}}]}`,
	}
}

// A bucket that is down is waited for once, whatever is asked of it, and its words are said once. Nothing is said of a deployment.
func TestABucketThatIsDownIsWaitedForOnce(t *testing.T) {
	for what, rules := range outages() {
		for name, act := range actions(t) {
			t.Run(what+", "+name, func(t *testing.T) {
				inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
					create(ctx, t, c)
					c.strike(t, rules)
					start := time.Now()
					said, err := act(ctx, c.engine(ctx, c.em.Transport(), 1))
					if took := time.Since(start); took < 60*time.Second || took > 165*time.Second {
						t.Errorf("it took %s", took)
					}
					if provision.ExitCode(err) != provision.CodeFailed || strings.Count(err.Error(), outage) != 1 {
						t.Errorf("exit code %d: %v", provision.ExitCode(err), err)
					}
					if name == "status" && said != nil {
						t.Errorf("what could not be read is shown as %+v", said)
					}
				})
			})
		}
	}
}

// A signal at any moment ends every action with words for users, and with those of the cloud that were heard until then.
func TestNobodyReadsGosOwnWordsAfterASignal(t *testing.T) {
	for what, rules := range map[string]string{"all is well": obeys, "the bucket is down": outages()["all of Cloud Storage"]} {
		for name, act := range actions(t) {
			t.Run(what+", "+name, func(t *testing.T) {
				for _, after := range []time.Duration{time.Nanosecond, 100 * time.Millisecond, time.Second, 4 * time.Second, 12 * time.Second, 40 * time.Second} {
					for _, aborted := range []bool{false, true} {
						inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
							c.strike(t, rules)
							e := c.engine(ctx, c.em.Transport(), 1)
							heard := &listener{}
							e.Printer = heard
							stop := make(chan struct{})
							e.Stop = stop
							ctx, cancel := context.WithCancel(ctx)
							defer cancel()
							time.AfterFunc(after, func() {
								close(stop)
								if aborted || name == "list" || name == "unlock" { // these have the commands' context only
									cancel()
								}
							})
							_, err := act(ctx, e)
							if err == nil {
								return // it was quicker
							}
							text := strings.Join(append(heard.said(), err.Error()), "\n")
							if strings.Contains(text, "context ") {
								t.Errorf("after %s: %s", after, text)
							}
							if code := provision.ExitCode(provision.Interrupted(err, false)); code != provision.CodeInterrupted {
								t.Errorf("after %s: exit code %d: %v", after, code, err)
							}
							if rules != obeys && after > 200*time.Millisecond && !strings.Contains(text, outage) {
								t.Errorf("after %s: the bucket's words are lost: %s", after, text)
							}
						})
					}
				}
			})
		}
	}
}

// A bucket that may not be read, is not reached or is down is an error, and nothing is shown of what may or may not be in it.
func TestStatusOfABucketThatCannotBeRead(t *testing.T) {
	denied := func(permission string) string {
		return `"error":{"status":403,"reason":"forbidden","message":"ann@example.com does not have ` + permission + ` access."}`
	}
	for name, tc := range map[string]struct{ path, fault string }{
		"denied":                  {"storage", denied("storage.buckets.list")},
		"down":                    {"storage", `"error":{"status":503,"reason":"backendError","message":"` + outage + `"}`},
		"nobody answers":          {"storage", `"dropConnection":true`},
		"its objects are denied":  {"storage.*/o/", denied("storage.objects.get")},
		"the lease alone, denied": {"storage.*lock.json", denied("storage.objects.get")},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, emulator.Options{}, func(ctx context.Context, t *testing.T, c *cloud) {
				create(ctx, t, c)
				c.strike(t, `{"rules":[{"match":{"path":"`+tc.path+`"},"fault":{`+tc.fault+`}}]}`)
				st, err := c.engine(ctx, c.em.Transport(), 1).Status(ctx)
				if st != nil || err == nil {
					t.Errorf("%+v: %v", st, err)
				}
			})
		})
	}
}
