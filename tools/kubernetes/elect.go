// Elect stands for leadership on a Lease as any Go program does, by client-go, and tells what happens on its output:
// "leading" and "stopped" of itself, "leader NAME" of whoever is seen to lead. SIGTERM ends it, and gives the Lease back.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

func main() {
	server := flag.String("server", "", "URL of the API server")
	account := flag.String("account", "", "folder with token and ca.crt")
	namespace := flag.String("namespace", "default", "where the Lease is")
	name := flag.String("name", "", "of the Lease")
	identity := flag.String("identity", "", "who stands")
	lease := flag.Duration("lease", 15*time.Second, "how long the Lease is valid")
	deadline := flag.Duration("deadline", 10*time.Second, "when a leader that can't renew stops")
	retry := flag.Duration("retry", 2*time.Second, "how often it is tried")
	flag.Parse()
	config := &rest.Config{
		Host:            *server,
		BearerTokenFile: *account + "/token",
		TLSClientConfig: rest.TLSClientConfig{CAFile: *account + "/ca.crt"},
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	leaderelection.RunOrDie(ctx, leaderelection.LeaderElectionConfig{
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: *namespace, Name: *name},
			Client:     kubernetes.NewForConfigOrDie(config).CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: *identity},
		},
		LeaseDuration:   *lease,
		RenewDeadline:   *deadline,
		RetryPeriod:     *retry,
		ReleaseOnCancel: true,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { tell("leading") },
			OnStoppedLeading: func() { tell("stopped") },
			OnNewLeader:      func(who string) { tell("leader " + who) },
		},
	})
}

func tell(line string) {
	if _, err := fmt.Println(line); err != nil {
		os.Exit(1)
	}
}
