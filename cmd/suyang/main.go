// Command suyang collects surveys of scientific literacy and turns them into reports.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() { // a second signal ends the program at once
		<-ctx.Done()
		stop()
	}()
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// commands are the commands of the program; each is a file of this folder.
type commands struct {
	Demo       demoCommand       `cmd:"" help:"Run a provincial survey and a survey of real microdata, from questionnaire to report."`
	Serve      serveCommand      `cmd:"" help:"Serve the questionnaires of the published waves and take in the interviews."`
	Account    accountCommand    `cmd:"" help:"Make the accounts of the desk, set their passwords, list and disable them."`
	Library    libraryCommand    `cmd:"" help:"List what comes with the program, questionnaires and plans of provinces, and write it out to be changed."`
	Lint       lintCommand       `cmd:"" help:"Check a questionnaire and say what is wrong, where, and what to do."`
	Bank       bankCommand       `cmd:"" help:"Check an item bank, draw booklets from it and give them to the cases of a sample."`
	Frame      frameCommand      `cmd:"" help:"Check a frame and prepare it for a draw: its codes, sizes, what may be merged, a later vintage."`
	Draw       drawCommand       `cmd:"" help:"Draw a sample from a frame by a plan, into a file that the draw can be proved with; draw it again."`
	Precision  precisionCommand  `cmd:"" help:"Say how precise a survey of cities would be, what change it sees, and whether a ranking is supported."`
	Publish    publishCommand    `cmd:"" help:"Freeze a questionnaire, its plan and its sample as a wave, which the servers show within a minute."`
	Close      closeCommand      `cmd:"" help:"End a wave: its pages take no more answers, on all servers within a minute."`
	Links      linksCommand      `cmd:"" help:"Print the personal link of every case of a wave, as CSV or as labels with QR codes; replace links."`
	OpenLink   openLinkCommand   `cmd:"" help:"Make a link that anybody may use, with limits, and show what came through the open links of a wave."`
	Import     importCommand     `cmd:"" help:"Take in the microdata of another survey as a wave."`
	ImportForm importFormCommand `cmd:"" help:"Take in an XLSForm as a questionnaire, and say what of it could not be taken."`
	ExportForm exportFormCommand `cmd:"" help:"Write a questionnaire as an XLSForm or XForm, for ODK tools."`
	Weigh      weighCommand      `cmd:"" help:"Carry out a weighting plan on a wave: from base weights to weights that agree with the population."`
	Weights    weightsCommand    `cmd:"" help:"Print the weights of a wave as CSV, and replicate weights if asked for."`
	Report     reportCommand     `cmd:"" help:"Write the report of a wave: as a page, a document, tables or data."`
	Release    releaseCommand    `cmd:"" help:"Freeze the report of a wave, signed; list, publish and check what was frozen."`
	Texts      textsCommand      `cmd:"" help:"Write the texts of a report into a file that people edit: drafts from significant facts, and what was edited before as it stands."`
	Quality    qualityCommand    `cmd:"" help:"Judge the interviews of a wave: too fast, alike, far away and other flags, each with how often it strikes honest ones."`
	Verify     verifyCommand     `cmd:"" help:"Prove that every accepted interview is stored or in quarantine."`
	Log        logCommand        `cmd:"" help:"Look at the log of interviews, or of tablets: list it, print it, check all of it; a server may be at work."`
	Rebuild    rebuildCommand    `cmd:"" help:"Make the responses in ClickHouse anew from the log, and say whether they are the same as before."`
	Receipt    receiptCommand    `cmd:"" help:"Print the key of the receipts, and check receipts without a server."`
	Backup     backupCommand     `cmd:"" help:"Copy what cannot be made anew, while the server runs: interviews, waves, links, cases, keys."`
	Restore    restoreCommand    `cmd:"" help:"Make a state folder of a backup, and prove that every accepted interview is there."`
	Recover    recoverCommand    `cmd:"" help:"Make the log of a lost collector anew from the copy that another one keeps."`
	Estimate   estimateCommand   `cmd:"" help:"Estimate from the CSV of any survey, with design-based standard errors."`
	Engine     engineCommand     `cmd:"" hidden:"" help:"Run the embedded ClickHouse engine; the other commands start it themselves."`
}

// run is the program: results go to out, talk to errOut. It returns the exit status.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) int {
	slog.SetDefault(slog.New(slog.NewTextHandler(errOut, &slog.HandlerOptions{Level: slog.LevelWarn})))
	var c commands
	status := -1
	parser, err := kong.New(&c,
		kong.Name("suyang"),
		kong.Description("Collects surveys of citizen scientific literacy and turns them into reports."),
		kong.Writers(out, errOut),
		kong.Exit(func(code int) { status = code }),
		kong.UsageOnError(),
	)
	if err != nil {
		panic("the commands are declared wrongly: " + err.Error())
	}
	command, err := parser.Parse(args)
	if status >= 0 { // help was asked for
		return status
	}
	if err != nil {
		fmt.Fprintf(errOut, "suyang: %v; see suyang --help\n", err)
		return 2
	}
	command.BindTo(ctx, (*context.Context)(nil))
	err = command.Run(&console{in: in, out: out, err: errOut})
	switch {
	case err == nil:
		return 0
	case ctx.Err() != nil && errors.Is(err, context.Canceled):
		fmt.Fprintln(errOut, "suyang: interrupted")
		return interrupted
	case !errors.Is(err, errSilent):
		fmt.Fprintf(errOut, "suyang: %v\n", err)
	}
	return 1
}

// interrupted is the exit status after Ctrl-C, as shells have it.
const interrupted = 130

// errSilent ends a command with a failure that it has already talked about.
var errSilent = errors.New("failed")
