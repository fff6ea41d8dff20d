"""/invite/<token>: what somebody does who was invited."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from accounts.access import SESSION_KEY as WORKSPACE_KEY
from accounts.entrance import SESSION_KEY
from accounts.services_invitations import InvitationOver, invitation_accept, invitation_find


def invite(request: HttpRequest, token: str) -> HttpResponse:
    """Logged out: sign up (or log in, and come back). Logged in: join the workspace, where there is one."""
    invitation = invitation_find(token=token)
    if invitation is None:
        return render(request, "accounts/invite.html", {"over": True}, status=410)
    if not request.user.is_authenticated:
        request.session[SESSION_KEY] = token
        return render(request, "accounts/invite.html", {"invitation": invitation, "next": request.path})
    if invitation.workspace is None:
        messages.info(request, "You have an account already; this invitation is left for somebody else.")
        return redirect("/overview")
    if request.method == "POST":
        try:
            invitation_accept(invitation=invitation, user=request.user)
        except InvitationOver as error:
            messages.error(request, str(error))
            return redirect("/overview")
        request.session[WORKSPACE_KEY] = invitation.workspace_id
        messages.success(request, f"You are now in {invitation.workspace.name}.")
        return redirect("/overview")
    return render(request, "accounts/invite.html", {"invitation": invitation})
