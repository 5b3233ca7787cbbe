#!/usr/bin/perl
# Stands in for qmail-popup, `qmail-popup.pl HOST prog [arg ...]`: greets with a time stamp, takes USER and PASS or APOP,
# and asks prog, on descriptor 3, as a checkpassword. One try. It ends when prog has.
use strict;
use warnings;

$^F = 9; # descriptor 3 stays open over exec
my ($host, @prog) = @ARGV;
@prog or die "-ERR usage: popup hostname subprogram\r\n";
my $stamp = "<$$." . time . "\@$host>";
my $user;
sub say_line { syswrite STDOUT, "$_[0]\r\n" }

# Octet by octet: what comes after the password is prog's.
sub command {
    my $line = '';
    while (sysread STDIN, my $octet, 1) {
        return split / +/, $line =~ s/\r$//r, 2 if $octet eq "\n";
        $line .= $octet;
    }
    exit 1;
}

sub check {
    my ($password) = @_;
    pipe(my $read, my $write) or die;
    my $child = fork // die;
    if ($child == 0) {
        close $write;
        require POSIX;
        POSIX::dup2(fileno $read, 3) == 3 or die;
        exec { $prog[0] } @prog or POSIX::_exit(111);
    }
    close $read;
    syswrite $write, "$user\0$password\0$stamp\0";
    close $write;
    waitpid $child, 0;
    say_line($? & 127 ? '-ERR aack, child crashed' : '-ERR authorization failed') if $?;
    exit 1;
}

say_line("+OK $stamp");
while (1) {
    my ($verb, $argument) = command();
    $verb = uc($verb // '');
    if ($verb eq 'USER' && defined $argument) { $user = $argument; say_line('+OK ') }
    elsif ($verb eq 'PASS' && defined $argument && defined $user) { check($argument) }
    elsif ($verb eq 'APOP' && ($argument // '') =~ /^(\S+) (\S+)$/) { $user = $1; check($2) }
    elsif ($verb eq 'QUIT') { say_line('+OK '); exit 1 }
    else { say_line('-ERR authorization first') }
}
