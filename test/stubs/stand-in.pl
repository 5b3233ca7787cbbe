#!/usr/bin/perl
# The program behind or beside the one under test: a mail server, a checkpassword, a queue, a filter.
# It is called through a link FOLDER/home/bin/NAME. What it is to do at its first, second, ... start stands in
# FOLDER/stand-ins/NAME.1.pl, NAME.2.pl, ... (the last for all after it); what it sees goes to FOLDER/records/,
# a file for each start, one `word hex hex ...` a line.
# In Perl because it starts in 5 ms, and a test run starts thousands.
use strict;
use warnings;
use POSIX ();

$SIG{PIPE} = 'IGNORE';
my ($home, $name) = $0 =~ m{^(?:(.*)/)?bin/([^/]+)$} or die "stand-in: called as $0\n";
my $folder = ($home // '.') . '/..';

# The first free number is ours.
my $start = 1;
$start++ until sysopen(my $file, sprintf("%s/records/%04d", $folder, $start), 0x0001 | 0x0040 | 0x0080 | 0x0400);
open(my $record, '>>', sprintf("%s/records/%04d", $folder, $start)) or die "stand-in: $!\n";
note('argv', $name, @ARGV);
note('env', $_, $ENV{$_}) for sort keys %ENV;

my $count = 0;
for (my $at = 1; $at <= $start; $at++) {
    open(my $other, '<', sprintf("%s/records/%04d", $folder, $at)) or next;
    $count++ if (split ' ', scalar(<$other>) // '')[1] eq unpack('H*', $name);
}
$count-- while $count > 1 and !-e "$folder/stand-ins/$name.$count.pl";
my $part = do "$folder/stand-ins/$name.$count.pl" or die "stand-in: no part for $name\n";

my $pending = ''; # read from the client, not a whole line yet
my %kinds = (checkpassword => \&checkpassword, queue => \&queue, filter => \&filter, show => \&show);
($kinds{$part->{kind} // ''} // \&server)->();

sub note {
    my ($word, @values) = @_;
    syswrite($record, join(' ', $word, map { unpack('H*', $_) } @values) . "\n");
}

sub leave {
    my ($part) = @_;
    if (defined $part->{signal}) {
        $SIG{$part->{signal}} = 'DEFAULT' unless $part->{signal} eq 'KILL';
        kill $part->{signal}, $$;
        sleep 10;
    }
    POSIX::_exit($part->{exit} // 0);
}

sub say_to {
    my ($fd, $bytes) = @_;
    while (length $bytes) {
        my $written = POSIX::write($fd, $bytes, length $bytes);
        POSIX::_exit(1) unless defined $written;
        $bytes = substr($bytes, $written);
    }
}

sub chunk_from {
    my ($fd) = @_;
    my $length = POSIX::read($fd, my $chunk, 65536);
    return defined $length && $length > 0 ? $chunk : undef;
}

sub all_from {
    my ($fd) = @_;
    my $all = '';
    while (defined(my $chunk = chunk_from($fd))) { $all .= $chunk }
    return $all;
}

# What is read from the client is noted as it comes: a signal may end us.
sub line_from_client {
    for (;;) {
        return $1 if $pending =~ s/^([^\n]*)\n//;
        my $chunk = chunk_from(0);
        if (!defined $chunk) { note('eof'); return undef }
        note('received', $chunk);
        $pending .= $chunk;
    }
}

sub server {
    say_to(1, $part->{greeting}) if defined $part->{greeting};
    leave({ signal => $part->{signal_after_greeting} }) if defined $part->{signal_after_greeting};
    leave({ exit => $part->{exit_after_greeting} }) if defined $part->{exit_after_greeting};
    my %on = map { $_->{verb} => $_ } @{ $part->{on} // [] };
    my %used;
    while (defined(my $line = line_from_client())) {
        $line =~ s/\r$//;
        my $verb = uc((split / /, $line, 2)[0] // '');
        my $answer = $on{$verb} // { reply => $part->{else} // "502 unimplemented (#5.5.1)\r\n" };
        my $replies = ref $answer->{reply} eq 'ARRAY' ? $answer->{reply} : [$answer->{reply} // ''];
        my $use = $used{$verb}++;
        my $reply = $replies->[$use > $#$replies ? $#$replies : $use];
        select(undef, undef, undef, $answer->{sleep}) if $answer->{sleep};
        say_to(1, $reply);
        leave($answer) if defined $answer->{exit} or defined $answer->{signal};
        if ($verb eq 'DATA' and $reply =~ /^354/) {
            for (;;) {
                my $content = line_from_client();
                last if !defined $content or $content =~ /^\.\r?$/;
            }
            say_to(1, $part->{after_data} // "250 ok\r\n");
        }
    }
    my $end = $part->{at_eof} // {};
    say_to(1, $end->{reply}) if defined $end->{reply};
    leave($end);
}

sub checkpassword {
    my $secret = '';
    if ($part->{read_fd3} // 1) {
        $secret = all_from(3);
        note('fd3', $secret);
    }
    if (defined $part->{users}) {
        my ($user, $password) = split /\0/, $secret;
        my $right = $part->{users}{ $user // '' };
        if (defined $right and $right eq ($password // '')) {
            $SIG{PIPE} = 'DEFAULT';
            POSIX::close(3);
            no warnings 'exec';
            exec { $ARGV[0] } @ARGV if @ARGV;
            POSIX::_exit(111);
        }
        POSIX::_exit(1);
    }
    say_to(1, $part->{stdout}) if defined $part->{stdout};
    say_to(2, $part->{stderr}) if defined $part->{stderr};
    if ($part->{read_stdin}) {
        my $chunk = chunk_from(0);
        if (defined $chunk) { note('received', $chunk) }
        else { note('eof') }
    }
    say_to(1, $part->{stdout_after}) if defined $part->{stdout_after};
    leave($part);
}

sub queue {
    note('message', all_from(0));
    note('envelope', all_from(1));
    leave($part);
}

sub filter {
    my $message = all_from(0);
    note('message', $message);
    note('envelope', all_from(3));
    say_to(1, $part->{replace} // ($part->{prepend} // '') . $message);
    say_to(4, $part->{new_envelope}) if defined $part->{new_envelope};
    leave($part);
}

sub show {
    say_to(1, $part->{stdout}) if defined $part->{stdout};
    leave($part);
}
